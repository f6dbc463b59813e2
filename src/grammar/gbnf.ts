/**
 * A grammar while it is built: rules as alternatives of terminals and references, and the same as GBNF text, from
 * which whatever cannot end, or is not reached, has been taken out. Knows nothing of JSON or schemas; how texts and sets
 * of characters are written: terminals.ts.
 */
/** GBNF text of characters, or the number of a rule. */
export type GrammarSymbol = string | number;
export type Alternative = readonly GrammarSymbol[];

interface Rule {
  readonly hint: Hint;
  alternatives: readonly Alternative[];
  /** Whether it is known that some text can be derived from it at all. */
  isProductive: boolean;
  /** What it is called, once something written refers to it. */
  name: string | undefined;
}

/** What rules are called, but for a number. */
interface Hint {
  readonly base: string;
  /** Rules that have a name of it. */
  count: number;
}

/** llama.cpp keeps every element of every rule, and walks its rules by recursion. */
const MAX_RULES = 60_000;
const MAX_ELEMENTS = 600_000;
/** Up to here a bounded repetition is a chain of rules, which is easiest to follow. */
const LONGEST_CHAIN = 32;

const NONE: readonly Alternative[] = [];

export class GrammarTooLarge extends Error {}

export class GrammarBuilder {
  private readonly rules: Rule[] = [];
  private readonly byContent = new Map<string, number>();
  private readonly hints = new Map<string, Hint>();
  private readonly byBase = new Map<string, Hint>([['root', { base: 'root', count: 1 }]]);
  private elements = 0;
  /** Rules that led only to rules of which nothing was known when they were defined. */
  private readonly undecided: number[] = [];

  /** A rule whose alternatives come later, so that it may refer to itself. */
  declare(hint: string): number {
    if (this.rules.length >= MAX_RULES) throw new GrammarTooLarge();
    let known = this.hints.get(hint);
    if (!known) {
      known = this.hintOf(baseName(hint));
      this.hints.set(hint, known);
    }
    const rule: Rule = { hint: known, alternatives: NONE, isProductive: false, name: undefined };
    return this.rules.push(rule) - 1;
  }

  private hintOf(base: string): Hint {
    let hint = this.byBase.get(base);
    if (!hint) {
      hint = { base, count: 0 };
      this.byBase.set(base, hint);
    }
    return hint;
  }

  define(rule: number, alternatives: readonly Alternative[]): void {
    for (let i = 0; i < alternatives.length; i++) this.elements += alternatives[i]!.length + 1;
    if (this.elements > MAX_ELEMENTS) throw new GrammarTooLarge();
    const defined = this.rules[rule]!;
    defined.alternatives = alternatives;
    defined.isProductive = this.someEnds(alternatives);
    if (!defined.isProductive) this.undecided.push(rule);
  }

  /** A rule of known alternatives; equal ones are one. */
  rule(hint: string, alternatives: readonly Alternative[]): number {
    const key = contentKey(alternatives);
    let rule = this.byContent.get(key);
    if (rule === undefined) {
      rule = this.declare(hint);
      this.define(rule, alternatives);
      this.byContent.set(key, rule);
    }
    return rule;
  }

  /**
   * `item`, min to max times, as the symbols of a sequence. Long repetitions are sums of powers of two: as many
   * rules, and as many open possibilities while reading, as their bounds have binary digits.
   */
  repeat(hint: string, item: GrammarSymbol, min: number, max: number): Alternative {
    const required = this.exactly(hint, item, min);
    if (max === min) return required;
    if (max === Number.POSITIVE_INFINITY) return [...required, this.endless(hint, item)];
    return [...required, this.upTo(hint, item, max - min)];
  }

  private endless(hint: string, item: GrammarSymbol): number {
    const key = `endless ${symbolKey(item)}`;
    const known = this.byContent.get(key);
    if (known !== undefined) return known;
    const rule = this.declare(`${hint}-many`);
    this.byContent.set(key, rule);
    this.define(rule, [[item, rule], []]);
    return rule;
  }

  private exactly(hint: string, item: GrammarSymbol, count: number): Alternative {
    if (count <= 8) return Array<GrammarSymbol>(count).fill(item);
    const half = this.rule(`${hint}-x${count >> 1}`, [this.exactly(hint, item, count >> 1)]);
    return count % 2 ? [item, half, half] : [half, half];
  }

  private upTo(hint: string, item: GrammarSymbol, count: number): number {
    if (count <= LONGEST_CHAIN) {
      let rest: Alternative = [];
      for (let i = 1; i <= count; i++) rest = [this.rule(`${hint}-to${i}`, [[item, ...rest], []])];
      return rest[0] as number;
    }
    // As many whole halves as are wanted, then fewer than a half: each step leaves one possibility more.
    const half = (count + 1) >> 1;
    const rest = this.upTo(hint, item, count - half);
    const less = half - 1 === count - half ? rest : this.upTo(hint, item, half - 1);
    return this.rule(`${hint}-to${count}`, [[...this.exactly(hint, item, half), rest], [less]]);
  }

  private someEnds(alternatives: readonly Alternative[]): boolean {
    for (let i = 0; i < alternatives.length; i++) if (this.ends(alternatives[i]!)) return true;
    return false;
  }

  private ends(symbols: Alternative): boolean {
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols[i]!;
      if (typeof symbol === 'number' && !this.rules[symbol]!.isProductive) return false;
    }
    return true;
  }

  /** Finds out which of the rules are productive that were not known to be. */
  private decide(): void {
    // Most lead to what was defined after them.
    const open: number[] = [];
    for (let i = this.undecided.length - 1; i >= 0; i--) {
      const rule = this.rules[this.undecided[i]!]!;
      rule.isProductive = this.someEnds(rule.alternatives);
      if (!rule.isProductive) open.push(this.undecided[i]!);
    }
    this.undecided.length = 0;
    const users = new Map<number, number[]>();
    for (const rule of open) {
      for (const symbol of this.rules[rule]!.alternatives.flat()) {
        if (typeof symbol !== 'number' || this.rules[symbol]!.isProductive) continue;
        const known = users.get(symbol);
        if (known) known.push(rule);
        else users.set(symbol, [rule]);
      }
    }
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      const rule = this.rules[number]!;
      if (rule.isProductive || !this.someEnds(rule.alternatives)) continue;
      rule.isProductive = true;
      for (const user of users.get(number) ?? []) open.push(user);
    }
  }

  /** The rule itself, or the one that it is another name of. */
  private behind(rule: number): number {
    let own = rule;
    for (let steps = 0; steps < 10; steps++) {
      const { alternatives } = this.rules[own]!;
      if (alternatives.length !== 1 || alternatives[0]!.length !== 1) break;
      const only = alternatives[0]![0]!;
      if (typeof only === 'string') break;
      own = only;
    }
    return own;
  }

  /** The grammar as GBNF, or undefined where `root` derives nothing. */
  write(root: number): string | undefined {
    this.decide();
    if (!this.rules[root]!.isProductive) return undefined;
    // Rules that have a name, in the order in which they got it: every one gets its line.
    const order = [this.rules[this.behind(root)]!];
    order[0]!.name = 'root';
    const isSure = this.rules.every(({ isProductive }) => isProductive);
    // As much as there can be: a list that grows is copied again and again.
    const text = new Pieces(2 * this.elements + 4 * this.rules.length);
    for (let i = 0; i < order.length; i++) {
      const { name, alternatives } = order[i]!;
      text.add(name!);
      let before = ' ::= ';
      let others: number[] | undefined;
      for (let j = 0; j < alternatives.length; j++) {
        const symbols = alternatives[j]!;
        if (!isSure && !this.ends(symbols)) continue;
        const other = alternatives.length > 1 ? this.onlyRule(symbols) : undefined;
        if (other !== undefined) {
          if (others?.includes(other)) continue;
          if (others) others.push(other);
          else others = [other];
        }
        text.add(before);
        this.writeSymbols(symbols, text, order);
        before = ' | ';
      }
      text.add('\n');
    }
    return text.whole();
  }

  private writeSymbols(symbols: Alternative, text: Pieces, order: Rule[]): void {
    if (symbols.length === 0) text.add('""');
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols[i]!;
      if (i > 0) text.add(' ');
      text.add(typeof symbol === 'string' ? symbol : this.nameOf(symbol, order));
    }
  }

  private nameOf(number: number, order: Rule[]): string {
    const rule = this.rules[this.behind(number)]!;
    if (rule.name === undefined) {
      const { hint } = rule;
      rule.name = ++hint.count === 1 ? hint.base : `${hint.base}-${hint.count}`;
      order.push(rule);
    }
    return rule.name;
  }

  /** The rule that an alternative is, by whatever name. */
  private onlyRule(symbols: Alternative): number | undefined {
    const only = symbols.length === 1 ? symbols[0] : undefined;
    return typeof only === 'number' ? this.behind(only) : undefined;
  }
}

/** A text in pieces. */
class Pieces {
  private readonly pieces: string[];
  private count = 0;

  constructor(most: number) {
    this.pieces = new Array<string>(most);
  }

  add(piece: string): void {
    this.pieces[this.count++] = piece;
  }

  whole(): string {
    this.pieces.length = this.count;
    return this.pieces.join('');
  }
}

function contentKey(alternatives: readonly Alternative[]): string {
  let key = '';
  for (let i = 0; i < alternatives.length; i++) {
    const symbols = alternatives[i]!;
    for (let j = 0; j < symbols.length; j++) {
      const symbol = symbols[j]!;
      key += typeof symbol === 'string' ? symbol : `#${symbol}`;
      key += ' ';
    }
    key += '| ';
  }
  return key;
}

function symbolKey(symbol: GrammarSymbol): string {
  return typeof symbol === 'string' ? symbol : `#${symbol}`;
}

/** It ends with no number of its own, so that none with a number behind it is another's. */
function baseName(hint: string): string {
  const words = hint.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+/, '');
  return words.slice(0, 40).replace(/(?:-[0-9]*)+$/, '') || 'rule';
}
