/** What finished chats have left in the KV cache, for the next ones that begin alike; the least recently used goes first. */
import type { Span } from './cell-spans.js';
import type { PromptKey } from './prompt-key.js';

/** A sequence of the native context that no chat uses: all of `key` is in its cells. */
export interface KvPrefix {
  readonly id: number;
  readonly key: PromptKey;
  readonly span: Span;
}

export class KvPrefixes {
  /** In order of use. */
  readonly #prefixes = new Set<KvPrefix>();

  [Symbol.iterator](): Iterator<KvPrefix> {
    return this.#prefixes.values();
  }

  /** Adds a prefix, or notes that it has been used. */
  use(prefix: KvPrefix): void {
    this.#prefixes.delete(prefix);
    this.#prefixes.add(prefix);
  }

  delete(prefix: KvPrefix): void {
    this.#prefixes.delete(prefix);
  }

  has(prefix: KvPrefix): boolean {
    return this.#prefixes.has(prefix);
  }

  oldest(except: KvPrefix | undefined): KvPrefix | undefined {
    for (const prefix of this.#prefixes) if (prefix !== except) return prefix;
    return undefined;
  }

  /** One that holds all of `key`. */
  holding(key: PromptKey): KvPrefix | undefined {
    return [...this.#prefixes].find((prefix) => prefix.key.common(key) === key.length);
  }

  /** Those of which nothing is missing in `key`. */
  within(key: PromptKey): KvPrefix[] {
    return [...this.#prefixes].filter((prefix) => prefix.key.common(key) === prefix.key.length);
  }
}
