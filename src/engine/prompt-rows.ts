/** The positions of a prompt, as the decoder takes them: runs of token ids and runs of visual rows [n, nEmbd], in order.
 *  Those that are in the cache may be left out at the start. */
export class PromptRows {
  /** All positions, those left out too. */
  readonly length: number;
  readonly #start: number;
  readonly #nEmbd: number;
  #runs: readonly (Int32Array | Float32Array)[];

  /** @param start positions left out */
  constructor(runs: readonly (Int32Array | Float32Array)[], nEmbd: number, start = 0) {
    this.#runs = runs;
    this.#nEmbd = nEmbd;
    this.#start = start;
    this.length = runs.reduce((sum, run) => sum + this.#rowsOf(run), start);
  }

  /** Up to `max` positions from `position` on, of one kind; a view, not a copy. */
  slice(position: number, max: number): { data: Int32Array | Float32Array; rows: number } {
    let first = position - this.#start;
    for (const run of this.#runs) {
      const length = this.#rowsOf(run);
      if (first < length) {
        const rows = Math.min(max, length - first);
        const width = run.length / length;
        return { data: run.subarray(first * width, (first + rows) * width), rows };
      }
      first -= length;
    }
    throw new RangeError(`Position ${position} of a prompt of ${this.length}`);
  }

  /** Lets go of the rows: 31 MB for a large image of the 0.5B model, which an answer need not hold on to. */
  free(): void {
    this.#runs = [];
  }

  #rowsOf(run: Int32Array | Float32Array): number {
    return run instanceof Int32Array ? run.length : run.length / this.#nEmbd;
  }
}
