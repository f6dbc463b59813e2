/** What the log keeps of a failure of ours: where it was, never what it says, which may quote what was asked. */
import type { FastifyRequest } from 'fastify';
import { ApiError, apiError } from './api-error.js';

export function logFailure({ log, work }: FastifyRequest, error: unknown): void {
  // A server that is full or closing does as it should, and a client that has gone is no failure.
  if (error instanceof ApiError || (work as typeof work | undefined)?.signal.aborted) return;
  if (apiError(error).status < 500) return;
  const { name, code, stack } = error as Error & { code?: string };
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line));
  log.error({ name, code, frames }, 'request failed');
}
