/** So many pieces of work at one time; the others wait in the order they came. */
export class AtMost {
  #nFree: number;
  readonly #waiting: (() => void)[] = [];

  constructor(n: number) {
    this.#nFree = n;
  }

  /** @throws signal.reason, what `work` throws */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#nFree === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#nFree--;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#nFree++;
    }
  }
}
