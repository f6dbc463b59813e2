/**
 * Work that holds the event loop up, as reading a large schema does, one piece in each turn of it: between two of them the chats
 * under way have their next step, however many requests come at one time.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

export class OneATurn {
  #last: Promise<unknown> = Promise.resolve();

  /** @throws what `work` throws; signal.reason, if it aborts before the work's turn */
  run<T>(signal: AbortSignal, work: () => T): Promise<T> {
    const result = this.#last.then(() => {
      signal.throwIfAborted();
      return work();
    });
    const turn = () => nextTurn();
    this.#last = result.then(turn, turn);
    return result;
  }
}
