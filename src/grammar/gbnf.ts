/**
 * A grammar while it is built: rules as alternatives of terminals and references, and the same as GBNF text, from
 * which whatever cannot end, or is not reached, has been taken out. Knows nothing of JSON or schemas.
 */
import type { CodePoints } from './code-points.js';

/** GBNF text of characters, or the number of a rule. */
export type GrammarSymbol = string | number;
export type Alternative = readonly GrammarSymbol[];

interface Rule {
  readonly name: string;
  alternatives: readonly Alternative[];
  /** Whether it is known that some text can be derived from it at all. */
  isProductive: boolean;
}

/** llama.cpp keeps every element of every rule, and walks its rules by recursion. */
const MAX_RULES = 60_000;
const MAX_ELEMENTS = 600_000;
/** Up to here a bounded repetition is a chain of rules, which is easiest to follow. */
const LONGEST_CHAIN = 32;

export class GrammarTooLarge extends Error {}

export class GrammarBuilder {
  private readonly rules: Rule[] = [];
  private readonly byContent = new Map<string, number>();
  /** What rules of a hint are called, but for a number. */
  private readonly names = new Map<string, string>();
  private elements = 0;
  /** Rules that led only to rules of which nothing was known when they were defined. */
  private readonly undecided: number[] = [];

  /** A rule whose alternatives come later, so that it may refer to itself. */
  declare(hint: string): number {
    if (this.rules.length >= MAX_RULES) throw new GrammarTooLarge();
    let name = this.names.get(hint);
    if (name === undefined) {
      name = baseName(hint);
      this.names.set(hint, name);
    }
    return this.rules.push({ name, alternatives: [], isProductive: false }) - 1;
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
    const users = new Map<number, number[]>();
    for (const rule of this.undecided) {
      for (const symbol of this.rules[rule]!.alternatives.flat()) {
        if (typeof symbol !== 'number' || this.rules[symbol]!.isProductive) continue;
        const known = users.get(symbol);
        if (known) known.push(rule);
        else users.set(symbol, [rule]);
      }
    }
    const todo = this.undecided.splice(0);
    for (let number = todo.pop(); number !== undefined; number = todo.pop()) {
      const rule = this.rules[number]!;
      if (rule.isProductive || !this.someEnds(rule.alternatives)) continue;
      rule.isProductive = true;
      for (const user of users.get(number) ?? []) todo.push(user);
    }
  }

  /** The rule itself, or the one that it is another name of. */
  private behind(rule: number): number {
    let own = rule;
    for (let steps = 0; steps < 10; steps++) {
      const { alternatives } = this.rules[own]!;
      const only = alternatives.length === 1 ? alternatives[0]! : [];
      if (only.length !== 1 || typeof only[0] !== 'number') break;
      own = only[0];
    }
    return own;
  }

  /** The grammar as GBNF, or undefined where `root` derives nothing. */
  write(root: number): string | undefined {
    this.decide();
    if (!this.rules[root]!.isProductive) return undefined;
    const names = new RuleNames(this.behind(root), (rule) => this.rules[rule]!.name);
    const lines: string[] = [];
    // The list grows while it is walked: every rule that is named gets its line.
    for (const rule of names.order) {
      const texts: string[] = [];
      const { alternatives } = this.rules[rule]!;
      for (let i = 0; i < alternatives.length; i++)
        if (this.ends(alternatives[i]!)) texts.push(this.textOf(alternatives[i]!, names));
      const distinct = texts.length > 1 ? [...new Set(texts)] : texts;
      lines.push(`${names.of(rule)} ::= ${distinct.join(' | ')}\n`);
    }
    return lines.join('');
  }

  private textOf(symbols: Alternative, names: RuleNames): string {
    let text = '';
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols[i]!;
      if (i > 0) text += ' ';
      text += typeof symbol === 'string' ? symbol : names.of(this.behind(symbol));
    }
    return text === '' ? '""' : text;
  }
}

/** Names of rules, given as they are asked for. */
class RuleNames {
  /** Rules that have a name, in the order in which they got it. */
  readonly order: number[];
  private readonly names: (string | undefined)[] = [];
  private readonly taken = new Map([['root', 1]]);

  constructor(
    root: number,
    private readonly baseOf: (rule: number) => string,
  ) {
    this.order = [root];
    this.names[root] = 'root';
  }

  of(rule: number): string {
    let name = this.names[rule];
    if (name === undefined) {
      name = this.free(this.baseOf(rule));
      this.names[rule] = name;
      this.order.push(rule);
    }
    return name;
  }

  private free(base: string): string {
    let count = this.taken.get(base) ?? 0;
    let name = base;
    while (this.taken.has(name)) name = `${base}-${++count}`;
    this.taken.set(base, Math.max(1, count));
    if (name !== base) this.taken.set(name, 1);
    return name;
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

function baseName(hint: string): string {
  const words = hint.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return words.slice(0, 40) || 'rule';
}

/** A quoted text of a grammar. */
export function literal(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  const escaped = Array.from(text, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    const point = char.codePointAt(0)!;
    return isPlain(point) ? char : escapedPoint(point);
  });
  return `"${escaped.join('')}"`;
}

/** A bracketed set of characters of a grammar. */
export function bracketed(set: CodePoints): string {
  let text = '[';
  for (let i = 0; i < set.length; i++) {
    const [from, to] = set[i]!;
    text += classPoint(from);
    if (from !== to) text += `-${classPoint(to)}`;
  }
  return `${text}]`;
}

function classPoint(point: number): string {
  const char = String.fromCodePoint(point);
  if ('[]-\\"'.includes(char)) return `\\${char}`;
  return isPlain(point) && char !== '^' ? char : escapedPoint(point);
}

function isPlain(point: number): boolean {
  return (point >= 0x20 && point < 0x7f) || (point >= 0xc0 && point < 0x250);
}

function escapedPoint(point: number): string {
  if (point === 10) return '\\n';
  if (point === 13) return '\\r';
  if (point === 9) return '\\t';
  const hex = point.toString(16).toUpperCase();
  if (point <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return point <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
