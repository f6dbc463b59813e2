/**
 * Token bytes in, text out. Text never ends inside a UTF-8 character, and whatever may still become a stop
 * string is held back until it is decided. Knows nothing about tokens: special tokens arrive as no bytes.
 */
export interface TextOut {
  text: string;
  /** A stop string came; it is not part of the text, and nothing may follow. */
  isStopped: boolean;
}

export class TextDecoderWithStops {
  // ignoreBOM keeps U+FEFF: a model may write one.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #stops: readonly string[];
  #held = '';

  /** @param stops non-empty strings; the one that begins first in the text wins. */
  constructor(stops: readonly string[] = []) {
    this.#stops = stops;
  }

  /** @param isLast flushes: an incomplete character becomes U+FFFD, held text is given out. */
  push(bytes: Uint8Array, isLast: boolean): TextOut {
    this.#held += this.#decoder.decode(bytes, { stream: !isLast });
    const at = this.#firstStop();
    if (at >= 0) return { text: this.#release(at), isStopped: true };
    const keep = isLast ? 0 : this.#undecided();
    return { text: this.#release(this.#held.length - keep), isStopped: false };
  }

  #firstStop(): number {
    const found = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    return found.length === 0 ? -1 : Math.min(...found);
  }

  /** Length of the longest end of the held text that begins a stop string. */
  #undecided(): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let n = Math.min(stop.length - 1, this.#held.length); n > longest; n--) {
        if (this.#held.endsWith(stop.slice(0, n))) longest = n;
      }
    }
    return longest;
  }

  #release(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }
}
