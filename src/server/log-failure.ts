/** What the log keeps of a failure of ours: where it was, never what it says, which may quote what was asked. */
import type { FastifyRequest } from 'fastify';
import { apiError } from './api-error.js';

export function logFailure({ log, work }: FastifyRequest, error: unknown): void {
  // A client that has gone is no failure.
  if (apiError(error).status < 500 || (work as typeof work | undefined)?.signal.aborted) return;
  const { name, code, stack } = error as Error & { code?: string };
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line));
  log.error({ name, code, frames }, 'request failed');
}
