/**
 * A grammar that a user wrote, before llama.cpp sees it: what its parser would refuse, what would loop (left recursion,
 * repetition of what may be empty), what would hold it up and what could never end are errors here.
 */
import { LlavaError } from '../errors.js';
import { GrammarFault, type Item, readGrammar, type Sequence } from './gbnf-reader.js';

type Rules = ReadonlyMap<string, readonly Sequence[]>;

/** @throws ERR_INVALID_ARGUMENT with line and column. */
export function checkGrammar(text: string): void {
  try {
    const { rules } = readGrammar(text);
    if (!rules.has('root')) throw new GrammarFault(0, 'there is no rule "root"');
    checkReferences(rules);
    const nullable = nullableRules(rules);
    checkRepetitions(rules, nullable);
    checkWays(rules, nullable, checkLeftRecursion(rules, nullable));
    checkEnds(rules);
  } catch (error) {
    if (!(error instanceof GrammarFault)) throw error;
    const before = text.slice(0, error.at).split('\n');
    const line = before.length;
    const column = before.at(-1)!.length + 1;
    throw new LlavaError(
      'ERR_INVALID_ARGUMENT',
      `Expected a GBNF grammar but in line ${line}, column ${column}: ${error.message}`,
      {
        argument: 'grammar',
        expected: 'a GBNF grammar',
        received: text.slice(0, 80),
        line,
        column,
      },
    );
  }
}

function* allItems(rules: Rules): Generator<Item> {
  for (const sequences of rules.values()) {
    for (const sequence of sequences) {
      for (let item of sequence) {
        yield item;
        while (item.kind === 'repeat') {
          item = item.item;
          yield item;
        }
      }
    }
  }
}

function checkReferences(rules: Rules): void {
  for (const item of allItems(rules)) {
    if (item.kind === 'rule' && !rules.has(item.name))
      throw new GrammarFault(item.at, `there is no rule "${item.name}"`);
  }
}

/** Rules that hold for `isSure` of an item, or follow from that: the least fixed point. */
function fixedPoint(
  rules: Rules,
  holds: (item: Item, known: ReadonlySet<string>) => boolean,
): Set<string> {
  const known = new Set<string>();
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const [name, sequences] of rules) {
      if (known.has(name)) continue;
      if (!sequences.some((sequence) => sequence.every((item) => holds(item, known)))) continue;
      known.add(name);
      isNew = true;
    }
  }
  return known;
}

function mayBeEmpty(item: Item, nullable: ReadonlySet<string>): boolean {
  if (item.kind === 'repeat') return item.min === 0 || mayBeEmpty(item.item, nullable);
  return item.kind === 'rule' && nullable.has(item.name);
}

function nullableRules(rules: Rules): Set<string> {
  return fixedPoint(rules, mayBeEmpty);
}

function checkEnds(rules: Rules): void {
  const ending = fixedPoint(rules, function ends(item, known): boolean {
    if (item.kind === 'repeat') return item.min === 0 || ends(item.item, known);
    return item.kind === 'characters' || known.has(item.name);
  });
  if (!ending.has('root')) throw new GrammarFault(0, 'no text of "root" ever ends');
}

function checkRepetitions(rules: Rules, nullable: ReadonlySet<string>): void {
  for (const item of allItems(rules)) {
    if (item.kind !== 'repeat' || Number.isFinite(item.max)) continue;
    if (mayBeEmpty(item.item, nullable))
      throw new GrammarFault(item.at, 'what is repeated without a bound may be empty');
  }
}

/** @returns the rules in an order in which each comes behind those that it may begin with */
function checkLeftRecursion(rules: Rules, nullable: ReadonlySet<string>): ReadonlySet<string> {
  const done = new Set<string>();
  for (const start of rules.keys()) {
    // A walk without recursion: grammars may be deep.
    const path = new Set<string>();
    const todo: { name: string; isLeaving: boolean; at: number }[] = [
      { name: start, isLeaving: false, at: 0 },
    ];
    for (let next = todo.pop(); next; next = todo.pop()) {
      const { name, isLeaving, at } = next;
      if (isLeaving) {
        path.delete(name);
        done.add(name);
        continue;
      }
      if (path.has(name))
        throw new GrammarFault(at, `"${plain(name)}" begins with itself: left recursion`);
      if (done.has(name)) continue;
      if (path.size > MAX_CHAIN)
        throw new GrammarFault(at, `rules begin with each other in a chain of over ${MAX_CHAIN}`);
      path.add(name);
      todo.push({ name, isLeaving: true, at });
      for (const first of leftmost(rules.get(name)!, nullable)) {
        todo.push({ ...first, isLeaving: false });
      }
    }
  }
  return done;
}

/** llama.cpp follows such a chain by recursion. */
const MAX_CHAIN = 4_000;

/** Of all ways in which a text may go on from a place, llama.cpp compares each with all others. */
const MAX_WAYS = 10_000;

/** @param order as `checkLeftRecursion` gives it */
function checkWays(rules: Rules, nullable: ReadonlySet<string>, order: ReadonlySet<string>): void {
  const ways = new Map<string, number>();
  const waysOf = (item: Item): number => {
    if (item.kind !== 'repeat') return item.kind === 'rule' ? ways.get(item.name)! : 1;
    if (item.max === 0) return 0;
    const copies = Number.isFinite(item.max) && mayBeEmpty(item.item, nullable) ? item.max : 1;
    return copies * waysOf(item.item);
  };
  for (const name of order) {
    let sum = 0;
    for (const sequence of rules.get(name)!) {
      const end = sequence.findIndex((item) => !mayBeEmpty(item, nullable));
      for (const item of end < 0 ? sequence : sequence.slice(0, end + 1)) sum += waysOf(item);
    }
    ways.set(name, sum);
  }
  if (ways.get('root')! > MAX_WAYS)
    throw new GrammarFault(0, `"root" begins in more than ${MAX_WAYS} ways`);
  for (const sequence of [...rules.values()].flat()) {
    let rest = 0;
    for (const item of sequence.toReversed()) {
      rest = waysOf(item) + (mayBeEmpty(item, nullable) ? rest : 0);
      if (rest > MAX_WAYS)
        throw new GrammarFault(item.at, `a text may go on in more than ${MAX_WAYS} ways from here`);
    }
  }
}

const plain = (name: string): string => (name.startsWith('group ') ? 'a group' : name);

function leftmost(
  sequences: readonly Sequence[],
  nullable: ReadonlySet<string>,
): { name: string; at: number }[] {
  const found: { name: string; at: number }[] = [];
  for (const sequence of sequences) {
    for (const item of sequence) {
      let inner = item;
      while (inner.kind === 'repeat') inner = inner.item;
      if (inner.kind === 'rule') found.push({ name: inner.name, at: inner.at });
      if (!mayBeEmpty(item, nullable)) break;
    }
  }
  return found;
}
