/** A batch as its caller sees it: answers as they come, read once, or only the end. Lazy: nothing runs before either is
 *  asked for. */
import { LlavaError } from '../errors.js';
import type { Batch, BatchAnswer } from './batch.js';
import type { BatchProgress } from './batch-options.js';

/** @typeParam P what `parsed` is. */
export class BatchStream<P = unknown> implements AsyncIterable<BatchAnswer<P>> {
  readonly #batch: Batch;
  readonly #end: Promise<BatchProgress>;
  #isRead = false;
  #resolve!: (progress: BatchProgress) => void;
  #reject!: (error: unknown) => void;

  /** @internal Made by `model.batch`. */
  constructor(batch: Batch) {
    this.#batch = batch;
    this.#end = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#end.catch(() => {});
  }

  /** How it ended; reading this property starts the batch unless a loop reads it. @throws what the loop would */
  get result(): Promise<BatchProgress> {
    if (!this.#isRead) this.#drain().catch(() => {});
    return this.#end;
  }

  /** Answers in the order in which they come; one that is not read holds up others. Leaving the loop ends the batch.
   *  @throws ERR_INVALID_ARGUMENT, ERR_BATCH_RESULTS, ERR_WRITE, what fails every question, signal.reason */
  [Symbol.asyncIterator](): AsyncIterator<BatchAnswer<P>, undefined> {
    if (this.#isRead)
      throw new LlavaError('ERR_INVALID_ARGUMENT', 'A batch can be read once: call batch() again', {
        argument: 'batch',
      });
    this.#isRead = true;
    return this.#read();
  }

  async #drain(): Promise<void> {
    for await (const _ of this);
  }

  async *#read(): AsyncGenerator<BatchAnswer<P>, undefined> {
    try {
      yield* this.#batch.run() as AsyncGenerator<BatchAnswer<P>, undefined>;
    } catch (error) {
      this.#reject(error);
      throw error;
    } finally {
      this.#resolve(this.#batch.progress);
    }
  }
}
