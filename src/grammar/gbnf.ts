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

  /** A rule whose alternatives come later, so that it may refer to itself. */
  declare(hint: string): number {
    if (this.rules.length >= MAX_RULES) throw new GrammarTooLarge();
    let name = this.names.get(hint);
    if (name === undefined) {
      name = baseName(hint);
      this.names.set(hint, name);
    }
    return this.rules.push({ name, alternatives: [] }) - 1;
  }

  define(rule: number, alternatives: readonly Alternative[]): void {
    for (const symbols of alternatives) this.elements += symbols.length + 1;
    if (this.elements > MAX_ELEMENTS) throw new GrammarTooLarge();
    this.rules[rule]!.alternatives = alternatives;
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

  /** Rules from which some text can be derived at all. */
  private productive(): boolean[] {
    const isProductive = new Array<boolean>(this.rules.length).fill(false);
    // The uses of each rule, as a list from the last one back.
    const last = new Int32Array(this.rules.length).fill(-1);
    const before: number[] = [];
    const users: number[] = [];
    this.rules.forEach(({ alternatives }, rule) => {
      for (const symbols of alternatives)
        for (const symbol of symbols)
          if (typeof symbol === 'number') {
            before.push(last[symbol]!);
            last[symbol] = users.push(rule) - 1;
          }
    });
    const todo = this.rules.map((_, rule) => rule);
    for (let rule = todo.pop(); rule !== undefined; rule = todo.pop()) {
      if (isProductive[rule] || !this.endsSomehow(rule, isProductive)) continue;
      isProductive[rule] = true;
      for (let use = last[rule]!; use >= 0; use = before[use]!)
        if (!isProductive[users[use]!]) todo.push(users[use]!);
    }
    return isProductive;
  }

  private endsSomehow(rule: number, isProductive: readonly boolean[]): boolean {
    for (const symbols of this.rules[rule]!.alternatives)
      if (ends(symbols, isProductive)) return true;
    return false;
  }

  /** For each rule itself, or the one that it is another name of. */
  private behind(): number[] {
    return this.rules.map((_, rule) => {
      let own = rule;
      for (let steps = 0; steps < 10; steps++) {
        const { alternatives } = this.rules[own]!;
        const only = alternatives.length === 1 && alternatives[0]!.length === 1;
        const symbol = only ? alternatives[0]![0] : undefined;
        if (typeof symbol !== 'number') break;
        own = symbol;
      }
      return own;
    });
  }

  /** The grammar as GBNF, or undefined where `root` derives nothing. */
  write(root: number): string | undefined {
    const isProductive = this.productive();
    if (!isProductive[root]) return undefined;
    const behind = this.behind();
    const names: (string | undefined)[] = [];
    const order = [behind[root]!];
    names[behind[root]!] = 'root';
    const taken = new Map([['root', 1]]);
    const textOf = (symbol: GrammarSymbol): string => {
      if (typeof symbol === 'string') return symbol;
      const rule = behind[symbol]!;
      let name = names[rule];
      if (name === undefined) {
        name = freeName(this.rules[rule]!.name, taken);
        names[rule] = name;
        order.push(rule);
      }
      return name;
    };
    const lines: string[] = [];
    // The list grows while it is walked: every rule that is named gets its line.
    for (const rule of order) {
      const { alternatives } = this.rules[rule]!;
      const texts: string[] = [];
      for (const symbols of alternatives) {
        if (!ends(symbols, isProductive)) continue;
        let text = '';
        for (const symbol of symbols) text += (text === '' ? '' : ' ') + textOf(symbol);
        texts.push(text === '' ? '""' : text);
      }
      const distinct = texts.length > 1 ? [...new Set(texts)] : texts;
      lines.push(`${names[rule]} ::= ${distinct.join(' | ')}\n`);
    }
    return lines.join('');
  }
}

function ends(symbols: Alternative, isProductive: readonly boolean[]): boolean {
  for (const symbol of symbols)
    if (typeof symbol === 'number' && !isProductive[symbol]) return false;
  return true;
}

function contentKey(alternatives: readonly Alternative[]): string {
  let key = '';
  for (const symbols of alternatives) {
    for (const symbol of symbols) key += typeof symbol === 'string' ? `${symbol} ` : `#${symbol} `;
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

function freeName(base: string, taken: Map<string, number>): string {
  let count = taken.get(base) ?? 0;
  let name = base;
  while (taken.has(name)) name = `${base}-${++count}`;
  taken.set(base, Math.max(1, count));
  taken.set(name, taken.get(name) ?? 1);
  return name;
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
  const ranges = set.map(([from, to]) =>
    from === to ? classPoint(from) : `${classPoint(from)}-${classPoint(to)}`,
  );
  return `[${ranges.join('')}]`;
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
