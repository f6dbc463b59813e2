/**
 * Responses that a client may go on from: for each key its own, so many of them, so many bytes, and for so long. What is older
 * goes first; nobody sees or pushes out what is another's.
 */
import type { ToolCall } from '../../prompt/messages.js';
import type { WireMessage } from '../wire-messages.js';

export interface KeptResponse {
  id: string;
  /** The conversation, the answer included; without the instructions. */
  messages: readonly WireMessage[];
  /** Messages of the answer's items, by the items' ids. */
  items: ReadonlyMap<string, WireMessage>;
  /** What the client got. */
  response: object;
}

export interface StoreLimits {
  /** Of each key. */
  maxResponses: number;
  maxBytes: number;
  lifetimeMs: number;
  /** Milliseconds, for tests. */
  now?: () => number;
}

interface Entry {
  kept: KeptResponse;
  bytes: number;
  until: number;
}

/** Oldest first. */
type Shelf = Map<string, Entry>;

const NOBODY = '';

export class ResponseStore {
  readonly #limits: StoreLimits;
  readonly #now: () => number;
  readonly #shelves = new Map<string, Shelf>();

  constructor(limits: StoreLimits) {
    this.#limits = limits;
    this.#now = limits.now ?? Date.now;
  }

  add(owner: string | undefined, kept: KeptResponse): void {
    const shelf = this.#shelf(owner) ?? new Map<string, Entry>();
    this.#shelves.set(owner ?? NOBODY, shelf);
    const bytes = sizeOf(kept);
    shelf.set(kept.id, { kept, bytes, until: this.#now() + this.#limits.lifetimeMs });
    const { maxResponses, maxBytes } = this.#limits;
    let total = [...shelf.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [id, entry] of shelf) {
      if (shelf.size <= maxResponses && total <= maxBytes) break;
      shelf.delete(id);
      total -= entry.bytes;
    }
  }

  get(owner: string | undefined, id: string): KeptResponse | undefined {
    return this.#shelf(owner)?.get(id)?.kept;
  }

  delete(owner: string | undefined, id: string): boolean {
    return this.#shelf(owner)?.delete(id) ?? false;
  }

  findItem(owner: string | undefined, id: string): WireMessage | undefined {
    for (const { kept } of this.#shelf(owner)?.values() ?? []) {
      const item = kept.items.get(id);
      if (item) return item;
    }
    return undefined;
  }

  #shelf(owner: string | undefined): Shelf | undefined {
    const now = this.#now();
    for (const [name, shelf] of this.#shelves) {
      for (const [id, { until }] of shelf) {
        if (until > now) break;
        shelf.delete(id);
      }
      if (shelf.size === 0) this.#shelves.delete(name);
    }
    return this.#shelves.get(owner ?? NOBODY);
  }
}

/** About the bytes in memory: what is long are texts and pictures. */
function sizeOf({ messages }: KeptResponse): number {
  return messages.reduce(
    (sum, { content, toolCalls }) => sum + 200 + sizeOfContent(content) + sizeOfCalls(toolCalls),
    1000,
  );
}

function sizeOfContent(content: WireMessage['content']): number {
  if (typeof content === 'string') return 2 * content.length;
  return content.reduce(
    (sum, part) => sum + 2 * (part.type === 'text' ? part.text : part.url).length,
    0,
  );
}

function sizeOfCalls(calls: readonly ToolCall[] = []): number {
  return 2 * JSON.stringify(calls).length;
}
