/** A store as long as the page: where the browser gives none. */
import { SearchIndex } from './search.js';
import { mediaIds, type Store } from './store-contract.js';
import type { Conversation, Id, Media, Turn } from './types.js';

export class MemoryStore implements Store {
  readonly isKept = false;
  readonly #conversations = new Map<Id, Conversation>();
  readonly #turns = new Map<Id, Turn>();
  readonly #media = new Map<Id, { media: Media; blob: Blob }>();
  readonly #index = new SearchIndex();

  async conversations(): Promise<Conversation[]> {
    const all = [...this.#conversations.values()];
    return structuredClone(all.sort((a, b) => b.changed - a.changed));
  }

  async turns(conversation: Id): Promise<Turn[]> {
    return structuredClone(this.#of(conversation));
  }

  async put(conversation: Conversation, ...turns: Turn[]): Promise<void> {
    this.#index.forget(conversation.id);
    this.#conversations.set(conversation.id, structuredClone(conversation));
    for (const turn of turns) this.#turns.set(turn.id, structuredClone(turn));
  }

  async addMedia(blob: Blob, media: Media): Promise<void> {
    this.#media.set(media.id, { media, blob });
  }

  async media(id: Id): Promise<Blob | undefined> {
    return this.#media.get(id)?.blob;
  }

  async remove(conversation: Id): Promise<void> {
    const removed = this.forget(conversation);
    const used = new Set([...this.#turns.values()].flatMap(mediaIds));
    for (const id of removed.flatMap(mediaIds)) if (!used.has(id)) this.forgetMedia(id);
  }

  /** It is kept elsewhere; its media stay. @returns its turns */
  forget(conversation: Id): Turn[] {
    const turns = this.#of(conversation);
    this.#index.forget(conversation);
    this.#conversations.delete(conversation);
    for (const { id } of turns) this.#turns.delete(id);
    return turns;
  }

  forgetMedia(id: Id): void {
    this.#media.delete(id);
  }

  allMedia(): [Media, Blob][] {
    return [...this.#media.values()].map(({ media, blob }) => [media, blob]);
  }

  async search(text: string): Promise<Id[]> {
    return this.#index.find(text, await this.conversations(), (id) => this.turns(id));
  }

  watch(): () => void {
    return () => {};
  }

  #of(conversation: Id): Turn[] {
    const turns = [...this.#turns.values()].filter((turn) => turn.conversation === conversation);
    return turns.sort((a, b) => a.created - b.created);
  }
}
