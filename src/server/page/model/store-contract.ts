/** What the page asks of whatever keeps its conversations. */
import type { Conversation, Id, Media, Turn } from './types.js';

export interface Store {
  /** Newest change first. */
  conversations(): Promise<Conversation[]>;
  /** All branches, oldest first. */
  turns(conversation: Id): Promise<Turn[]>;
  /** All or nothing. @throws StorageFull */
  put(conversation: Conversation, ...turns: Turn[]): Promise<void>;
  /** Media that no turn names a day later are dropped. @throws StorageFull */
  addMedia(blob: Blob, media: Media): Promise<void>;
  media(id: Id): Promise<Blob | undefined>;
  /** With its turns, and the media that nobody else uses. */
  remove(conversation: Id): Promise<void>;
  /** Conversations whose title, or the text of a turn, has it; newest change first. */
  search(text: string): Promise<Id[]>;
  /** Whether it outlives the page: false where the browser gives no storage. */
  readonly isKept: boolean;
  /** Calls when another tab changed a conversation. @returns what ends that */
  watch(changed: (conversation: Id) => void): () => void;
}

/** The browser gives no more room. */
export class StorageFull extends Error {
  constructor(options?: ErrorOptions) {
    super('The browser has no room left for this page.', options);
    this.name = 'StorageFull';
  }
}

export function mediaIds({ media }: Turn): Id[] {
  return media.map(({ id }) => id);
}
