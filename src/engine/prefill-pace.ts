/**
 * How many rows of prompts a step may take that also has answers under way, so that these wait a fraction of a second for
 * their next token on any machine and with any model: learned from how long steps with prompts took. Which rows come
 * together decides nothing but rounding.
 *
 * Beside pictures every step has waited for a tile. It may then read prompts for half as long as that took: else they would
 * get little of the time while pictures are encoded, and the answers wait for the tile anyhow.
 */
const MOST = 256;
/** With fewer, reading the weights for each step is all that is done. */
const LEAST = 32;
const AIM_MS = 250;
const SHARE_OF_TILE = 0.5;
/** A step may also have waited for other models, or for pages of the file: one alone says little. */
const MOST_RISE = 1.25;

export class PrefillPace {
  #msPerRow: number | undefined;

  /** @param tileMs how long the tile took that came before the step; 0 where none did */
  rows(tileMs: number): number {
    if (!this.#msPerRow) return MOST;
    const aim = Math.max(AIM_MS, tileMs * SHARE_OF_TILE);
    const most = (MOST * aim) / AIM_MS;
    return Math.max(LEAST, Math.floor(Math.min(most, aim / this.#msPerRow)));
  }

  /** A step with `rows`, nearly all of prompts, took that long. */
  note(rows: number, ms: number): void {
    if (rows < LEAST) return;
    const measured = ms / rows;
    this.#msPerRow = Math.min(measured, (this.#msPerRow ?? Number.POSITIVE_INFINITY) * MOST_RISE);
  }
}
