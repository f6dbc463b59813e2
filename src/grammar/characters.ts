/**
 * Characters as JSON writes them, in symbols of a grammar: as themselves, or as an escape where Python's json or
 * JSON.stringify would write one: the short ones, \u for control characters and for all beyond ASCII, pairs of them
 * above U+FFFF. One that may be anything has every escape that JSON allows.
 */
import {
  ANY_CHARACTER,
  type CodePoints,
  charactersOf,
  codePoints,
  complement,
  has,
  intersect,
  keyOf,
} from './code-points.js';
import {
  type Alternative,
  bracketed,
  type GrammarBuilder,
  type GrammarSymbol,
  literal,
} from './gbnf.js';
import { HexRules } from './hex-rules.js';

const MUST_ESCAPE = codePoints([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const UNESCAPED = complement(MUST_ESCAPE);
const SHORT: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
};
const SHORT_POINTS = Object.entries(SHORT).map(
  ([char, sign]) => [char.charCodeAt(0), sign] as const,
);
const ANY_KEY = keyOf(ANY_CHARACTER);
const ESCAPED_BY_HEX = codePoints([
  [0, 0x1f],
  [0x7f, 0x10ffff],
]);
const QUOTATION_MARK = 0x22;
const BACKSLASH = 0x5c;

export class Characters {
  private readonly known = new Map<string, GrammarSymbol>();
  /** The same: many sets are one object. */
  private readonly bySet = new Map<CodePoints, GrammarSymbol>();
  private readonly hex: HexRules;

  constructor(private readonly builder: GrammarBuilder) {
    this.hex = new HexRules(builder);
  }

  /** One character of the set, inside of a JSON string. */
  symbol(set: CodePoints): GrammarSymbol {
    let symbol = this.bySet.get(set);
    if (symbol === undefined) {
      symbol = this.find(set);
      this.bySet.set(set, symbol);
    }
    return symbol;
  }

  private find(set: CodePoints): GrammarSymbol {
    if (isPlain(set)) return bracketed(set);
    const key = keyOf(set);
    let rule = this.known.get(key);
    if (rule === undefined) {
      rule = this.builder.rule('char', this.forms(set));
      this.known.set(key, rule);
    }
    return rule;
  }

  private forms(set: CodePoints): Alternative[] {
    const isAny = keyOf(set) === ANY_KEY;
    const plain = intersect(set, UNESCAPED);
    const short = SHORT_POINTS.flatMap(([point, sign]) => (has(set, point) ? [sign] : []));
    if (isAny) short.push('/');
    const escapes: Alternative[] = [];
    if (short.length > 0) escapes.push([bracketed(charactersOf(short.join('')))]);
    escapes.push(...this.hex.escapes(isAny ? set : intersect(set, ESCAPED_BY_HEX)));
    const forms: Alternative[] = plain.length > 0 ? [[bracketed(plain)]] : [];
    if (escapes.length > 0) forms.push([literal('\\'), this.builder.rule('escape', escapes)]);
    return forms;
  }
}

/** The character of a set that has one, where that stands as itself in a JSON string; or else nothing. */
export function plainCharacter(set: CodePoints): string {
  const [from, to] = set[0]!;
  return set.length === 1 && from === to && isPlain(set) ? String.fromCharCode(from) : '';
}

/** Whether all characters are ASCII that stands as itself in a JSON string. */
function isPlain(set: CodePoints): boolean {
  for (const [from, to] of set) {
    if (from < 0x20 || to > 0x7e) return false;
    if (from <= QUOTATION_MARK && to >= QUOTATION_MARK) return false;
    if (from <= BACKSLASH && to >= BACKSLASH) return false;
  }
  return true;
}
