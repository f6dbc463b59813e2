/**
 * The keys that clients show, kept as digests: every key is compared whole and all of them each time, so that how long it
 * takes tells nothing. A key's digest also names what is its own: caches, kept responses.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { invalidArgument, LlavaError } from '../errors.js';

export class ApiKeys {
  #digests: Buffer[] = [];

  /** @throws ERR_INVALID_ARGUMENT for keys that no header can carry, and for none at all */
  constructor(keys: Iterable<string>) {
    this.replace(keys);
  }

  /** From now on these are the keys; requests under way go on. @throws as the constructor, and changes nothing then */
  replace(keys: Iterable<string>): void {
    const given = [...keys];
    if (given.length === 0) throw invalidArgument('apiKeys', 'at least one key', 'none');
    if (!given.every(isKey))
      // Says nothing of it: messages are logged.
      throw new LlavaError(
        'ERR_INVALID_ARGUMENT',
        'Expected keys of 1 to 512 visible ASCII characters for apiKeys, and one is not so',
        { argument: 'apiKeys' },
      );
    this.#digests = given.map(digest);
  }

  get count(): number {
    return this.#digests.length;
  }

  /** The name of what belongs to a key; undefined for one that is not among the keys. */
  ownerOf(key: string): string | undefined {
    const shown = digest(key);
    let isKnown = false;
    for (const one of this.#digests) isKnown = timingSafeEqual(one, shown) || isKnown;
    return isKnown ? shown.toString('hex') : undefined;
  }
}

/** Whether a header can carry it. */
export function isKey(key: unknown): boolean {
  return typeof key === 'string' && /^[\x21-\x7e]{1,512}$/.test(key);
}

/** The keys of a file: one a line; empty lines and those that begin with # are left out. */
export function keysOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
