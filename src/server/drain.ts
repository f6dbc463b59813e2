/** How a server ends: what is under way may finish for some time, then it is told that it may not. */
import { ApiError } from './api-error.js';
import type { Work } from './work.js';

/** Settles when nothing is under way any more. @param ms to finish in @throws never */
export async function drain(working: ReadonlySet<Work>, ms: number): Promise<void> {
  const stop = () => {
    const error = new ApiError(503, 'The server closed before the answer was finished.', {
      code: 'closing',
    });
    for (const work of working) work.abort(error);
  };
  let giveUp = () => {};
  const patience = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const timers = [setTimeout(stop, ms), setTimeout(giveUp, ms + LAST_WORDS_MS)];
  const all = async () => {
    while (working.size > 0) await Promise.race([...working].map((work) => work.ended));
  };
  await Promise.race([all(), patience]);
  for (const timer of timers) clearTimeout(timer);
}

/** For a reader to take the error that ends its stream. */
const LAST_WORDS_MS = 1000;
