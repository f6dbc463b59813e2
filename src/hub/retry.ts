/** Trying again after failures that may pass: those whose error says `retryable`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LlavaError } from '../errors.js';

export interface RetryOptions {
  /** How often in a row, without anything gained, before the last error is thrown. */
  attempts: number;
  /** A number that grows while something is gained. */
  gained?: () => number;
  /** Called before each wait. */
  onWait?: (ms: number) => void;
  signal?: AbortSignal;
}

const FIRST_DELAY_MS = 1000;
/** A server that asks for more has to be come back to another time. */
const LONGEST_DELAY_MS = 300_000;

/** Waits 1, 2, 4, … s between attempts, or what the server asks for. @throws what `attempt` does, signal.reason */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { attempts, gained = () => 0, onWait, signal }: RetryOptions,
): Promise<T> {
  let before = gained();
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof LlavaError) || error.retryable !== true) throw error;
      if (gained() > before) failures = 1;
      before = gained();
      const delay = waitAfter(error, failures);
      if (failures >= attempts || delay > LONGEST_DELAY_MS) throw error;
      onWait?.(delay);
      await sleep(delay, undefined, { ...(signal && { signal }) }).catch(() =>
        signal?.throwIfAborted(),
      );
    }
  }
}

function waitAfter({ retryAfterMs }: LlavaError, failures: number): number {
  if (typeof retryAfterMs === 'number') return retryAfterMs;
  // Spread, lest all connections that broke together come back together.
  return FIRST_DELAY_MS * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
}
