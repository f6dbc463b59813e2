/**
 * Chats that wait for a slot. Next is the key that has the fewest slots, among those the one that was served longest ago;
 * of one key's chats the one of the smallest rank. Requests without a key are as of one key.
 */

export type Owner = string | undefined;

export interface Waiting {
  readonly owner: Owner;
  readonly rank: number;
  readonly start: () => void;
  readonly onPlace: ((before: number) => void) | undefined;
  /** What was told last. */
  place: number;
}

interface Line {
  waiting: readonly Waiting[];
  /** Those before it have been taken. */
  first: number;
  nRunning: number;
  /** When it was last given a slot, counted in slots. */
  lastServed: number;
}

export class WaitingLine {
  /** Lines of keys that once asked stay: there are no more than the server has had keys. */
  readonly #lines = new Map<Owner, Line>();
  #nServed = 0;
  #length = 0;
  #nWatching = 0;

  get length(): number {
    return this.#length;
  }

  /** Whether anybody who waits is told of places. */
  get isWatched(): boolean {
    return this.#nWatching > 0;
  }

  add(chat: Waiting): void {
    const line = this.#lineOf(chat.owner);
    const behind = line.waiting.findIndex((other) => other.rank > chat.rank);
    line.waiting = line.waiting.toSpliced(behind < 0 ? line.waiting.length : behind, 0, chat);
    this.#count(chat, 1);
  }

  remove(chat: Waiting): void {
    const line = this.#lineOf(chat.owner);
    line.waiting = line.waiting.filter((other) => other !== chat);
    this.#count(chat, -1);
  }

  /** Takes who is next, who has a slot from now on. */
  next(): Waiting | undefined {
    const next = take([...this.#lines.values()], this.#nServed + 1);
    if (!next) return undefined;
    this.#nServed++;
    this.#count(next, -1);
    const line = this.#lineOf(next.owner);
    line.waiting = line.waiting.slice(line.first);
    line.first = 0;
    return next;
  }

  /** All that wait, in the order in which they would go if nobody else came and no slot were given back. */
  inOrder(): Waiting[] {
    const lines = Array.from(this.#lines.values(), (line) => ({ ...line }));
    const order: Waiting[] = [];
    for (let next = take(lines, this.#nServed + 1); next; ) {
      order.push(next);
      next = take(lines, this.#nServed + order.length + 1);
    }
    return order;
  }

  /** A slot of the key is free again. */
  release(owner: Owner): void {
    this.#lineOf(owner).nRunning--;
  }

  #count(chat: Waiting, by: 1 | -1): void {
    this.#length += by;
    if (chat.onPlace) this.#nWatching += by;
  }

  #lineOf(owner: Owner): Line {
    let line = this.#lines.get(owner);
    if (!line) {
      line = { waiting: [], first: 0, nRunning: 0, lastServed: 0 };
      this.#lines.set(owner, line);
    }
    return line;
  }
}

function take(lines: readonly Line[], nServed: number): Waiting | undefined {
  let first: Line | undefined;
  for (const line of lines)
    if (line.waiting.length > line.first && (!first || isBefore(line, first))) first = line;
  if (!first) return undefined;
  first.nRunning++;
  first.lastServed = nServed;
  return first.waiting[first.first++];
}

function isBefore(a: Line, b: Line): boolean {
  if (a.nRunning !== b.nRunning) return a.nRunning < b.nRunning;
  if (a.lastServed !== b.lastServed) return a.lastServed < b.lastServed;
  return a.waiting[a.first]!.rank < b.waiting[b.first]!.rank;
}
