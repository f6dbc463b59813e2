/**
 * The one place where newlines, the learned vectors that end a row of patches, join the features: visual rows begin as
 * nothing but newlines, and those that no features are put over stay. Which rows those are the plans decide.
 */
export class NewlineRows {
  /** [n, width] */
  readonly data: Float32Array;
  readonly #width: number;

  constructor(n: number, newline: Float32Array) {
    const width = newline.length;
    this.#width = width;
    this.data = new Float32Array(n * width);
    this.data.set(newline);
    // What is filled is copied behind itself, which takes fewer calls than rows.
    for (let end = width; end < this.data.length; end *= 2) this.data.copyWithin(end, 0, end);
  }

  /** Puts `features` [m, width] from row `at` on, leaving a newline after each `runLength` of them. */
  put(features: Float32Array, at: number, runLength: number): void {
    const run = runLength * this.#width;
    for (let from = 0; from < features.length; from += run) {
      const to = at * this.#width + (from / run) * (run + this.#width);
      this.data.set(features.subarray(from, from + run), to);
    }
  }
}
