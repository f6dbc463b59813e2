/**
 * Conversations in IndexedDB. Three tables: a list of conversations reads no turn, and a turn no picture. Other tabs are told of
 * every change once it is kept.
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb';
import { SearchIndex } from './search.js';
import { mediaIds, StorageFull, type Store } from './store-contract.js';
import type { Conversation, Id, Media, Turn } from './types.js';

/** `mediaIds` for the index alone: which turns use a picture. */
type KeptTurn = Turn & { mediaIds: Id[] };

interface Tables extends DBSchema {
  conversations: { key: Id; value: Conversation; indexes: { changed: number } };
  turns: { key: Id; value: KeptTurn; indexes: { conversation: Id; mediaIds: Id } };
  media: { key: Id; value: { id: Id; blob: Blob; added: number }; indexes: { added: number } };
}

type Name = 'conversations' | 'turns' | 'media';
type Row = { [K in Name]: [K, Tables[K]['value']] }[Name];
type Writing = IDBPTransaction<Tables, Name[], 'readwrite'>;

const NAME = 'llava-onevision';
const DAY_MS = 86_400_000;

export class KeptStore implements Store {
  readonly isKept = true;
  readonly #channel = new BroadcastChannel(NAME);
  readonly #index = new SearchIndex();
  #db: IDBPDatabase<Tables> | undefined;
  #isAskedFor = false;

  private constructor() {
    this.watch((conversation) => this.#index.forget(conversation));
  }

  /** @throws where the browser gives no storage */
  static async open(): Promise<KeptStore> {
    const store = new KeptStore();
    try {
      await store.#opened();
    } catch (error) {
      store.#channel.close();
      throw error;
    }
    return store;
  }

  async conversations(): Promise<Conversation[]> {
    const db = await this.#opened();
    return (await db.getAllFromIndex('conversations', 'changed')).reverse();
  }

  async turns(conversation: Id): Promise<Turn[]> {
    const db = await this.#opened();
    const turns = await db.getAllFromIndex('turns', 'conversation', conversation);
    return turns.map(({ mediaIds: _, ...turn }) => turn).sort((a, b) => a.created - b.created);
  }

  async put(conversation: Conversation, ...turns: Turn[]): Promise<void> {
    this.#askToStay();
    await this.#write([
      ['conversations', conversation],
      ...turns.map((turn): Row => ['turns', { ...turn, mediaIds: mediaIds(turn) }]),
    ]);
    this.#tell(conversation.id);
  }

  async addMedia(blob: Blob, { id }: Media): Promise<void> {
    this.#askToStay();
    await this.#write([['media', { id, blob, added: Date.now() }]]);
  }

  async media(id: Id): Promise<Blob | undefined> {
    return (await (await this.#opened()).get('media', id))?.blob;
  }

  async remove(conversation: Id): Promise<void> {
    const db = await this.#opened();
    const tables = db.transaction(['conversations', 'turns', 'media'], 'readwrite');
    const turns = tables.objectStore('turns');
    const removed = await turns.index('conversation').getAll(conversation);
    await tables.objectStore('conversations').delete(conversation);
    for (const { id } of removed) await turns.delete(id);
    for (const id of new Set(removed.flatMap(mediaIds))) {
      const isUsed = (await turns.index('mediaIds').count(id)) > 0;
      if (!isUsed) await tables.objectStore('media').delete(id);
    }
    await tables.done;
    this.#tell(conversation);
  }

  async search(text: string): Promise<Id[]> {
    return this.#index.find(text, await this.conversations(), (id) => this.turns(id));
  }

  watch(changed: (conversation: Id) => void): () => void {
    const listen = ({ data }: MessageEvent) => {
      if (typeof data === 'string') changed(data);
    };
    this.#channel.addEventListener('message', listen);
    return () => this.#channel.removeEventListener('message', listen);
  }

  /** Pictures that were added to a question that was never asked. */
  async sweep(now = Date.now()): Promise<void> {
    const db = await this.#opened();
    const tables = db.transaction(['turns', 'media'], 'readwrite');
    const media = tables.objectStore('media');
    const old = await media.index('added').getAllKeys(IDBKeyRange.upperBound(now - DAY_MS));
    for (const id of old) {
      const isUsed = (await tables.objectStore('turns').index('mediaIds').count(id)) > 0;
      if (!isUsed) await media.delete(id);
    }
    await tables.done;
  }

  /** All or nothing. @throws StorageFull */
  async #write(rows: Row[]): Promise<void> {
    const db = await this.#opened();
    const tables = db.transaction(
      rows.map(([name]) => name),
      'readwrite',
    );
    const asked: Promise<unknown>[] = [];
    try {
      for (const [name, row] of rows) asked.push(tables.objectStore(name).put(row));
      // The room may be missing at a request or only at the end.
      await Promise.all([...asked, tables.done]);
    } catch (error) {
      const cause = tables.error ?? error;
      void Promise.allSettled([...asked, tables.done]);
      // What failed before it was asked for would let the rest be kept.
      if (!tables.error) abort(tables);
      const isFull = [error, cause].some((one) => (one as Error).name === 'QuotaExceededError');
      throw isFull ? new StorageFull({ cause }) : error;
    }
  }

  /** Anew if the browser closed it, as it does when its data are deleted. */
  async #opened(): Promise<IDBPDatabase<Tables>> {
    const forget = () => {
      this.#db?.close();
      this.#db = undefined;
    };
    this.#db ??= await openDB<Tables>(NAME, 1, {
      upgrade: makeTables,
      terminated: forget,
      // A tab with a newer page waits for this one.
      blocking: forget,
    });
    return this.#db;
  }

  #tell(conversation: Id): void {
    this.#index.forget(conversation);
    this.#channel.postMessage(conversation);
  }

  /** Browsers delete what pages keep when they need room, unless they agreed not to. Some ask their user, so not before there is something. */
  #askToStay(): void {
    if (this.#isAskedFor) return;
    this.#isAskedFor = true;
    globalThis.navigator?.storage?.persist?.().catch(() => {});
  }
}

function abort(tables: Writing): void {
  try {
    tables.abort();
  } catch {
    // It has ended by itself.
  }
}

function makeTables(db: IDBPDatabase<Tables>): void {
  db.createObjectStore('conversations', { keyPath: 'id' }).createIndex('changed', 'changed');
  const turns = db.createObjectStore('turns', { keyPath: 'id' });
  turns.createIndex('conversation', 'conversation');
  turns.createIndex('mediaIds', 'mediaIds', { multiEntry: true });
  db.createObjectStore('media', { keyPath: 'id' }).createIndex('added', 'added');
}
