/**
 * Beginnings that chats have left, moved out of the context into plain memory: attention reads over every cell in use, so
 * in the context they would slow the other chats. A copy brings one back. The least recently used go first.
 */
import type { PromptKey } from './prompt-key.js';

export interface ParkedPrefix {
  readonly key: PromptKey;
  /** In llama.cpp's format. */
  readonly bytes: Uint8Array;
}

export class ParkedPrefixes {
  readonly #maxBytes: number;
  #nBytes = 0;
  /** In order of use. */
  readonly #prefixes = new Set<ParkedPrefix>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#nBytes;
  }

  get isOff(): boolean {
    return this.#maxBytes === 0;
  }

  /** Takes the place of those that it goes on from. One larger than all the memory is not kept. */
  add(prefix: ParkedPrefix): void {
    for (const other of [...this.#prefixes])
      if (prefix.key.common(other.key) === other.key.length) this.delete(other);
    this.#prefixes.add(prefix);
    this.#nBytes += prefix.bytes.length;
    for (const oldest of this.#prefixes) {
      if (this.#nBytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  /** The one that begins most like `key`; of equals the last used. */
  findLongest(key: PromptKey): ParkedPrefix | undefined {
    let best: ParkedPrefix | undefined;
    let longest = 1;
    for (const prefix of this.#prefixes) {
      const shared = key.common(prefix.key);
      if (shared < longest) continue;
      longest = shared;
      best = prefix;
    }
    return best;
  }

  use(prefix: ParkedPrefix): void {
    if (this.#prefixes.delete(prefix)) this.#prefixes.add(prefix);
  }

  delete(prefix: ParkedPrefix): void {
    if (this.#prefixes.delete(prefix)) this.#nBytes -= prefix.bytes.length;
  }
}
