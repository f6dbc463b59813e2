/** Lists of terms by number, equal ones by the same: how automata and moves tell their places apart. */
interface Numbered {
  readonly id: number;
}

export class TermLists<Item extends Numbered | undefined> {
  /** All lists, by number. */
  readonly all: (readonly Item[])[] = [];
  /** For each hash the last list that has it, and for each list the one before. */
  private readonly last = new Map<number, number>();
  private readonly before: number[] = [];

  /** The list is copied where it is new. */
  numberOf(list: readonly Item[]): number {
    const hash = hashOf(list);
    const last = this.last.get(hash) ?? -1;
    for (let number = last; number >= 0; number = this.before[number]!)
      if (isSame(this.all[number]!, list)) return number;
    this.last.set(hash, this.all.length);
    this.before.push(last);
    return this.all.push(list.slice()) - 1;
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
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
