/**
 * A piece of work for each item, several under way at a time. Items are taken one after the other, each only when there is
 * a place for it, so that a list of any length, or one that is still being made, takes no room.
 */
import { setMaxListeners } from 'node:events';

export interface AtOnceOptions {
  /** Pieces of work under way, 1 or more. */
  limit: number;
  signal?: AbortSignal | undefined;
}

export type Items<T> = Iterable<T> | AsyncIterable<T>;

/**
 * Results as they come. What nobody has read yet counts as under way. The first failure stops the others, which are waited
 * for, as does leaving the loop.
 * @param work with a signal that ends with the first failure @throws that failure, signal.reason
 */
export async function* mapAtOnce<T, R>(
  items: Items<T>,
  { limit, signal }: AtOnceOptions,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): AsyncGenerator<R> {
  const ending = new AbortController();
  const either = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
  setMaxListeners(0, either); // each piece of work listens; Node would warn of a leak
  const under = new UnderWay(iteratorOf(items), (item: T) => work(item, either));
  const wake = () => under.wake();
  either.addEventListener('abort', wake);
  try {
    for (;;) {
      either.throwIfAborted();
      const result = await under.next(limit);
      if (result === 'wait') continue;
      if (result === 'end') return;
      yield result.value;
      under.read();
    }
  } catch (error) {
    ending.abort(error);
    throw error;
  } finally {
    either.removeEventListener('abort', wake);
    ending.abort(new DOMException('Nobody reads the results', 'AbortError'));
    await under.end();
  }
}

class UnderWay<T, R> {
  wake = () => {};
  readonly #source: AsyncIterator<T> | Iterator<T>;
  readonly #work: (item: T) => Promise<R>;
  readonly #running = new Set<Promise<void>>();
  readonly #results: { value: R }[] = [];
  #failure: { error: unknown } | undefined;
  /** Started and not read. */
  #places = 0;
  #isTaking = false;
  #isDry = false;

  constructor(source: AsyncIterator<T> | Iterator<T>, work: (item: T) => Promise<R>) {
    this.#source = source;
    this.#work = work;
  }

  /** A result, or 'wait' when something has happened that is none. @throws the first failure */
  async next(limit: number): Promise<{ value: R } | 'wait' | 'end'> {
    if (this.#failure) throw this.#failure.error;
    if (!this.#isDry && !this.#isTaking && this.#places < limit) this.#take();
    const result = this.#results.shift();
    if (result) return result;
    if (this.#places === 0 && !this.#isTaking) return 'end';
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    return 'wait';
  }

  /** The result that `next` gave is done with. */
  read(): void {
    this.#places--;
  }

  async end(): Promise<void> {
    await Promise.all(this.#running);
    // One that is waiting for its next item would not come to its end.
    if (!this.#isTaking && !this.#isDry) await this.#source.return?.();
  }

  #take(): void {
    this.#isTaking = true;
    const taking = async () => {
      const { done, value } = await this.#source.next();
      this.#isTaking = false;
      if (done) this.#isDry = true;
      else this.#start(value);
    };
    taking()
      .catch(this.#fail)
      .finally(() => this.wake());
  }

  #start(item: T): void {
    this.#places++;
    const running = this.#work(item)
      .then((value) => {
        this.#results.push({ value });
      }, this.#fail)
      .finally(() => {
        this.#running.delete(running);
        this.wake();
      });
    this.#running.add(running);
  }

  readonly #fail = (error: unknown) => {
    this.#failure ??= { error };
  };
}

/** As `mapAtOnce`, for work without results. */
export async function forEachAtOnce<T>(
  items: Items<T>,
  options: AtOnceOptions,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const results = mapAtOnce(items, options, work);
  while (!(await results.next()).done);
}

function iteratorOf<T>(items: Items<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}
