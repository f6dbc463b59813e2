/**
 * A store that holds what its browser has no room for as long as the page is open, so that it can be read on and exported; said as
 * StorageFull all the same. What is held is kept once a conversation is deleted and there is room.
 */
import { MemoryStore } from './memory-store.js';
import { StorageFull, type Store } from './store-contract.js';
import type { Conversation, Id, Media, Turn } from './types.js';

export class SpillingStore implements Store {
  readonly isKept = true;
  readonly #kept: Store;
  readonly #spare = new MemoryStore();
  #last: Promise<void> = Promise.resolve();

  constructor(kept: Store) {
    this.#kept = kept;
  }

  async conversations(): Promise<Conversation[]> {
    await this.#last;
    const held = await this.#spare.conversations();
    const kept = await this.#kept.conversations();
    return merged(kept, held).sort((a, b) => b.changed - a.changed);
  }

  async turns(conversation: Id): Promise<Turn[]> {
    await this.#last;
    const held = await this.#spare.turns(conversation);
    const kept = await this.#kept.turns(conversation);
    return merged(kept, held).sort((a, b) => a.created - b.created);
  }

  /** One after the other, so that none lets go what another one holds. */
  put(conversation: Conversation, ...turns: Turn[]): Promise<void> {
    const own = this.#last.then(() => this.#put(conversation, turns));
    this.#last = own.catch(() => {});
    return own;
  }

  async #put(conversation: Conversation, turns: readonly Turn[]): Promise<void> {
    const held = await this.#spare.turns(conversation.id);
    await this.#orHold(
      () => this.#kept.put(conversation, ...merged(held, turns)),
      () => this.#spare.put(conversation, ...turns),
    );
    this.#spare.forget(conversation.id);
  }

  addMedia(blob: Blob, media: Media): Promise<void> {
    return this.#orHold(
      () => this.#kept.addMedia(blob, media),
      () => this.#spare.addMedia(blob, media),
    );
  }

  async media(id: Id): Promise<Blob | undefined> {
    return (await this.#spare.media(id)) ?? (await this.#kept.media(id));
  }

  async remove(conversation: Id): Promise<void> {
    await this.#spare.remove(conversation);
    await this.#kept.remove(conversation);
    await this.#keepHeld().catch(() => {});
  }

  async search(text: string): Promise<Id[]> {
    const found = new Set([
      ...(await this.#kept.search(text)),
      ...(await this.#spare.search(text)),
    ]);
    return (await this.conversations()).map(({ id }) => id).filter((id) => found.has(id));
  }

  watch(changed: (conversation: Id) => void): () => void {
    return this.#kept.watch(changed);
  }

  async #orHold(keep: () => Promise<void>, hold: () => Promise<void>): Promise<void> {
    try {
      await keep();
    } catch (error) {
      if (error instanceof StorageFull) await hold();
      throw error;
    }
  }

  /** As much as there is room for. */
  async #keepHeld(): Promise<void> {
    for (const [media, blob] of this.#spare.allMedia()) {
      await this.#kept.addMedia(blob, media);
      this.#spare.forgetMedia(media.id);
    }
    for (const conversation of await this.#spare.conversations()) await this.put(conversation);
  }
}

/** The second have it where both do. */
function merged<T extends { id: Id }>(first: readonly T[], second: readonly T[]): T[] {
  if (second.length === 0) return [...first];
  return [...new Map([...first, ...second].map((one) => [one.id, one])).values()];
}
