/**
 * Chats that wait for a slot. Next is the key that has the fewest slots, among those the one that was served longest ago;
 * of one key's chats the one of the smallest rank. Requests without a key are as of one key.
 */

export type Owner = string | undefined;

export interface Waiting {
  readonly owner: Owner;
  readonly rank: number;
  readonly start: () => void;
}

interface Line {
  readonly waiting: Waiting[];
  nRunning: number;
  /** When it was last given a slot, counted in slots. */
  lastServed: number;
}

export class WaitingLine {
  /** Lines of keys that once asked stay: there are no more than the server has had keys. */
  readonly #lines = new Map<Owner, Line>();
  #nServed = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chat: Waiting): void {
    const { waiting } = this.#lineOf(chat.owner);
    const behind = waiting.findIndex((other) => other.rank > chat.rank);
    waiting.splice(behind < 0 ? waiting.length : behind, 0, chat);
    this.#length++;
  }

  remove(chat: Waiting): void {
    const { waiting } = this.#lineOf(chat.owner);
    waiting.splice(waiting.indexOf(chat), 1);
    this.#length--;
  }

  /** Takes who is next, who has a slot from now on. */
  next(): Waiting | undefined {
    let first: Line | undefined;
    for (const line of this.#lines.values())
      if (line.waiting.length > 0 && (!first || isBefore(line, first))) first = line;
    if (!first) return undefined;
    first.nRunning++;
    first.lastServed = ++this.#nServed;
    this.#length--;
    return first.waiting.shift();
  }

  /** A slot of the key is free again. */
  release(owner: Owner): void {
    this.#lineOf(owner).nRunning--;
  }

  #lineOf(owner: Owner): Line {
    let line = this.#lines.get(owner);
    if (!line) {
      line = { waiting: [], nRunning: 0, lastServed: 0 };
      this.#lines.set(owner, line);
    }
    return line;
  }
}

function isBefore(a: Line, b: Line): boolean {
  if (a.nRunning !== b.nRunning) return a.nRunning < b.nRunning;
  if (a.lastServed !== b.lastServed) return a.lastServed < b.lastServed;
  return a.waiting[0]!.rank < b.waiting[0]!.rank;
}
