/**
 * One request while it is worked on: whose it is, what it weighs, and the signal that ends it when its connection is gone, its
 * deadline has come or the server closes.
 */
import { setMaxListeners } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { Visit } from './admission.js';
import { ApiError, NO_RETRY } from './api-error.js';

export class Work {
  /** The digest of the key that it showed. */
  readonly owner: string | undefined;
  readonly startedAt = performance.now();
  /** Settles with the response. */
  readonly ended: Promise<void>;
  readonly #controller = new AbortController();
  #settle = () => {};
  #visit: Visit | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(owner: string | undefined) {
    this.owner = owner;
    // Every picture that is fetched listens; Node would warn of a leak.
    setMaxListeners(0, this.#controller.signal);
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Of requests with a body. */
  get visit(): Visit {
    return this.#visit!;
  }

  /** Ends with the response, however that ends. */
  begin(reply: FastifyReply, visit: Visit | undefined, onEnd: () => void): void {
    this.#visit = visit;
    let hasEnded = false;
    const end = () => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(this.#deadline);
      if (!reply.raw.writableFinished) this.abort(CONNECTION_GONE);
      visit?.leave();
      onEnd();
      this.#settle();
    };
    reply.raw.once('finish', end).once('close', end);
  }

  limit(ms: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.abort(tooLate(ms)), ms);
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    work: Work;
  }
}

export const CONNECTION_GONE = new DOMException('The client has gone', 'AbortError');

function tooLate(ms: number): ApiError {
  const message = `The answer was not finished within ${Math.round(ms / 1000)} s.`;
  return new ApiError(504, message, { code: 'deadline_exceeded', headers: NO_RETRY });
}
