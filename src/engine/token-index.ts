/**
 * Where the last tokens of a text stood in it before: the longest such run, of equals the most recent, without looking
 * through the text. Positions with the same last two tokens are a chain; a match that went on is followed, however far
 * back in its chain it is. Ids below zero equal nothing.
 */

/** Places of a chain that are compared. */
const MOST_TRIES = 64;
/** Longer runs are as good as equal. */
const LONGEST = 32;
const HASH_BITS = 14;

export class TokenIndex {
  #tokens = new Int32Array(1024);
  /** The position before that ends like this one, or -1. */
  #previous = new Int32Array(1024);
  readonly #latest = new Int32Array(1 << HASH_BITS).fill(-1);
  #length = 0;
  /** Where the last match stands now, or -1. */
  #match = -1;

  get length(): number {
    return this.#length;
  }

  push(token: number): void {
    if (this.#length === this.#tokens.length) {
      this.#tokens = grown(this.#tokens);
      this.#previous = grown(this.#previous);
    }
    const at = this.#length++;
    this.#tokens[at] = token;
    const isGoingOn = this.#match >= 0 && token >= 0 && this.#tokens[this.#match + 1] === token;
    this.#match = isGoingOn ? this.#match + 1 : -1;
    const hash = this.#hash(at);
    this.#previous[at] = this.#latest[hash]!;
    this.#latest[hash] = at;
  }

  /** Where what ends the text ended before, and how many tokens are the same, at least two. */
  find(): { at: number; length: number } | undefined {
    const end = this.#length - 1;
    if (end < 1) return undefined;
    let best = { at: -1, length: 1 };
    const consider = (at: number) => {
      const length = this.#common(at, end);
      const isBetter = length > best.length || (length === best.length && at > best.at);
      if (isBetter && length > 1) best = { at, length };
    };
    if (this.#match >= 0) consider(this.#match);
    let at = this.#previous[end]!;
    for (let tries = 0; at >= 0 && tries < MOST_TRIES; tries++) {
      consider(at);
      if (best.length === LONGEST) break;
      at = this.#previous[at]!;
    }
    this.#match = best.at;
    return best.at < 0 ? undefined : best;
  }

  /** What follows position `at`, up to `max` tokens; beyond the end of the text as if it went on from `at` again. */
  after(at: number, max: number): number[] {
    const tokens: number[] = [];
    for (let i = at + 1; tokens.length < max; i++) {
      const token = i < this.#length ? this.#tokens[i]! : tokens[i - this.#length]!;
      if (token < 0) break;
      tokens.push(token);
    }
    return tokens;
  }

  #common(a: number, b: number): number {
    let length = 0;
    while (length < LONGEST && length <= a) {
      const token = this.#tokens[a - length]!;
      if (token < 0 || token !== this.#tokens[b - length]) break;
      length++;
    }
    return length;
  }

  #hash(at: number): number {
    const last = Math.imul(this.#tokens[at]!, 0x9e3779b1);
    const before = Math.imul(this.#tokens[Math.max(0, at - 1)]!, 0x85ebca6b);
    return (last ^ before) >>> (32 - HASH_BITS);
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
