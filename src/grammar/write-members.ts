/**
 * The members of objects as rules: those that are named, in order, then those that are not. Several ways to write one
 * object are written together as far as they begin alike. Knows nothing of schemas.
 */
import type { Alternative, GrammarBuilder } from './gbnf.js';
import { literal } from './terminals.js';

export interface Pair {
  readonly symbols: Alternative;
  readonly isRequired: boolean;
}

/** One way to write an object. */
export interface Members {
  readonly named: readonly Pair[];
  /** Pairs of other names; a name may repeat. */
  readonly others: readonly Alternative[];
  readonly min: number;
  readonly max: number;
}

export function writeMembers(
  builder: GrammarBuilder,
  space: number,
  hint: string,
  ways: readonly Members[],
): Alternative[] {
  return groupsOf(ways, ({ min, max }) => `${min} ${max}`).map((group) => {
    const rules = new MemberRules(builder, [literal(','), space], hint, group[0]!);
    return [literal('{'), rules.from(group, 0, 0)[0]!];
  });
}

const END: Alternative = [literal('}')];

/** Rules for what may follow once `count` members stand there: tables by that number. */
class MemberRules {
  private readonly min: number;
  private readonly max: number;
  /** Counts beyond which nothing changes. */
  private readonly most: number;

  constructor(
    private readonly builder: GrammarBuilder,
    private readonly comma: Alternative,
    private readonly hint: string,
    { min, max }: Members,
  ) {
    this.min = min;
    this.max = max;
    this.most = max === Number.POSITIVE_INFINITY ? Math.max(min, 1) : max;
  }

  /** From the named property `i` on. @param fewest members that stand before it at least. */
  from(ways: readonly Members[], i: number, fewest: number): number[] {
    const { named } = ways[0]!;
    const least = [fewest];
    let end = i;
    for (; areAlike(ways, end); end++) {
      const before = least[end - i]!;
      least.push(named[end]!.isRequired ? this.plusOne(before) : before);
    }
    let rules = this.fork(ways, end, least[end - i]!);
    // From behind: one rule leads to the next.
    for (let at = end - 1; at >= i; at--) rules = this.pair(named[at]!, at, least[at - i]!, rules);
    return rules;
  }

  private pair(pair: Pair, i: number, fewest: number, next: readonly number[]): number[] {
    return this.table(i, fewest, (count) => {
      const forms: Alternative[] = [];
      if (count < this.max)
        forms.push([...this.before(count), ...pair.symbols, next[this.plusOne(count)]!]);
      if (!pair.isRequired) forms.push([next[count]!]);
      return forms;
    });
  }

  /** Where the ways begin to differ, or end. */
  private fork(ways: readonly Members[], i: number, fewest: number): number[] {
    const groups = groupsOf(ways, ({ named }) => (named[i] ? keyOf(named[i]) : ''));
    const tables = groups.map((group) =>
      group[0]!.named[i] ? this.from(group, i, fewest) : this.end(group, i, fewest),
    );
    if (tables.length === 1) return tables[0]!;
    return this.table(i, fewest, (count) => tables.map((rules) => [rules[count]!]));
  }

  private end(ways: readonly Members[], i: number, fewest: number): number[] {
    const lists = groupsOf(ways, ({ others }) => others.map(textOf).join(' | ')).map((group) => {
      const { others } = group[0]!;
      return { others, known: new Map<string, number>() };
    });
    return this.table(i, fewest, (count) => {
      const forms: Alternative[] = count >= this.min ? [END] : [];
      if (count >= this.max) return forms;
      const after = this.plusOne(count);
      for (const { others, known } of lists) {
        if (others.length === 0) continue;
        const next = this.more(others, known, after, after);
        for (const pair of others) forms.push([...this.before(count), ...pair, next]);
      }
      return forms;
    });
  }

  /** @param counted members that surely differ; @param count all members. */
  private more(
    others: readonly Alternative[],
    known: Map<string, number>,
    counted: number,
    count: number,
  ): number {
    const key = `${counted} ${count}`;
    let rule = known.get(key);
    if (rule !== undefined) return rule;
    rule = this.builder.declare(this.hint);
    known.set(key, rule);
    const forms: Alternative[] = counted >= this.min ? [END] : [];
    if (count < this.max) {
      const next = this.more(others, known, counted, this.plusOne(count));
      for (const pair of others) forms.push([...this.comma, ...pair, next]);
    }
    this.builder.define(rule, forms);
    return rule;
  }

  private table(i: number, fewest: number, formsOf: (count: number) => Alternative[]): number[] {
    const rules: number[] = [];
    for (let count = fewest; count <= Math.min(i, this.most); count++) {
      const rule = this.builder.declare(this.hint);
      this.builder.define(rule, formsOf(count));
      rules[count] = rule;
    }
    return rules;
  }

  private before(count: number): Alternative {
    return count > 0 ? this.comma : [];
  }

  private plusOne(count: number): number {
    return Math.min(count + 1, this.most);
  }
}

/** Whether all of the ways go on with the same pair. */
function areAlike(ways: readonly Members[], i: number): boolean {
  const pair = ways[0]!.named[i];
  if (!pair || ways.length === 1) return pair !== undefined;
  const key = keyOf(pair);
  return ways.every(({ named }) => named[i] !== undefined && keyOf(named[i]) === key);
}

function keyOf({ isRequired, symbols }: Pair): string {
  return `${isRequired} ${textOf(symbols)}`;
}

function textOf(symbols: Alternative): string {
  return symbols.join(' ');
}

function groupsOf<Item>(items: readonly Item[], keyOfItem: (item: Item) => string): Item[][] {
  if (items.length === 1) return [[items[0]!]];
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOfItem(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}
