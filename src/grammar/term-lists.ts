/** Lists of terms by number, equal ones by the same: how automata and moves tell their places apart. */
interface Numbered {
  readonly id: number;
}

/** Lists that are found by looking at each. */
const FEW = 8;

export class TermLists<Item extends Numbered | undefined> {
  /** All lists, by number. */
  readonly all: (readonly Item[])[] = [];
  /** Once there are more than a few: for each hash the last list that has it, and for each list the one before. */
  private last: Map<number, number> | undefined;
  private before: number[] = [];

  /** The list is copied where it is new. */
  numberOf(list: readonly Item[]): number {
    if (!this.last) {
      for (let i = 0; i < this.all.length; i++) if (isSame(this.all[i]!, list)) return i;
      const number = this.all.push(list.slice()) - 1;
      if (this.all.length === FEW) this.hash();
      return number;
    }
    const hash = hashOf(list);
    for (let i = this.last.get(hash) ?? -1; i >= 0; i = this.before[i]!)
      if (isSame(this.all[i]!, list)) return i;
    this.note(hash, this.last, this.all.length);
    return this.all.push(list.slice()) - 1;
  }

  private hash(): void {
    this.last = new Map();
    for (let i = 0; i < FEW; i++) this.note(hashOf(this.all[i]!), this.last, i);
  }

  private note(hash: number, last: Map<number, number>, number: number): void {
    this.before.push(last.get(hash) ?? -1);
    last.set(hash, number);
  }
}

/** Values by lists of terms. */
export class TermListMap<Value> {
  private readonly lists = new TermLists<Numbered>();
  private readonly values: (Value | undefined)[] = [];

  get(list: readonly Numbered[]): Value | undefined {
    return this.values[this.lists.numberOf(list)];
  }

  set(list: readonly Numbered[], value: Value): void {
    this.values[this.lists.numberOf(list)] = value;
  }
}

function hashOf(list: readonly (Numbered | undefined)[]): number {
  let hash = 0;
  for (let i = 0; i < list.length; i++) {
    hash = Math.imul(hash ^ (list[i] ? list[i]!.id + 1 : 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
