/** The work in progress on one model, so that disposing can stop all of it and wait. */
import { LlavaError } from '../errors.js';

export class Tasks {
  readonly #running = new Map<AbortController, Promise<unknown>>();
  #isClosed = false;

  /** @throws ERR_DISPOSED once closed */
  check(): void {
    if (this.#isClosed) throw disposed();
  }

  /** Runs `work` with a signal that follows all of `signals`, and `close`. @throws the reason of the first that aborted */
  async run<T>(
    signals: readonly (AbortSignal | undefined)[],
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    this.check();
    // Not AbortSignal.any: on Node 20 its results stay alive as long as the caller's signal.
    const controller = new AbortController();
    const links = signals.filter((signal) => signal !== undefined);
    const listeners = links.map((signal) => {
      signal.throwIfAborted();
      return { signal, onAbort: () => controller.abort(signal.reason) };
    });
    for (const { signal, onAbort } of listeners) signal.addEventListener('abort', onAbort);
    const task = work(controller.signal);
    this.#running.set(controller, task);
    try {
      return await task;
    } finally {
      this.#running.delete(controller);
      for (const { signal, onAbort } of listeners) signal.removeEventListener('abort', onAbort);
    }
  }

  /** Aborts everything with ERR_DISPOSED; settles when nothing runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const running = [...this.#running];
    for (const [controller] of running) controller.abort(disposed());
    await Promise.allSettled(running.map(([, task]) => task));
  }
}

function disposed(): LlavaError {
  return new LlavaError('ERR_DISPOSED', 'The model has been disposed of.', { handle: 'model' });
}
