/**
 * How many rows of prompts a step may take that also has answers under way, so that these wait a fraction of a second for
 * their next token on any machine and with any model: learned from how long steps with prompts took. Which rows come
 * together decides nothing but rounding.
 */
const MOST = 256;
/** With fewer, reading the weights for each step is all that is done. */
const LEAST = 32;
const AIM_MS = 250;
/** A step may also have waited for other models, or for pages of the file: one alone says little. */
const MOST_RISE = 1.25;

export class PrefillPace {
  #msPerRow: number | undefined;

  get rows(): number {
    if (!this.#msPerRow) return MOST;
    return Math.max(LEAST, Math.min(MOST, Math.floor(AIM_MS / this.#msPerRow)));
  }

  /** A step with `rows`, nearly all of prompts, took that long. */
  note(rows: number, ms: number): void {
    if (rows < LEAST) return;
    const measured = ms / rows;
    this.#msPerRow = Math.min(measured, (this.#msPerRow ?? Number.POSITIVE_INFINITY) * MOST_RISE);
  }
}
