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
import type { Alternative, GrammarBuilder, GrammarSymbol } from './gbnf.js';
import { HexRules } from './hex-rules.js';
import { bracketed, literal } from './terminals.js';

const MUST_ESCAPE = codePoints([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const UNESCAPED = complement(MUST_ESCAPE);
const SHORT = Object.entries({
  '"': '"',
  '\\': '\\',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
});
const BACKSLASH = literal('\\');
const ANY_KEY = keyOf(ANY_CHARACTER);
const ESCAPED_BY_HEX = codePoints([
  [0, 0x1f],
  [0x7f, 0x10ffff],
]);

export class Characters {
  private readonly known = new Map<string, GrammarSymbol>();
  /** The same: many sets are one object. */
  private readonly bySet = new Map<CodePoints, GrammarSymbol>();
  private readonly escapes = new Map<string, number>();
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
      rule = this.builder.rule('char', this.forms(set, key === ANY_KEY));
      this.known.set(key, rule);
    }
    return rule;
  }

  private forms(set: CodePoints, isAny: boolean): Alternative[] {
    const plain = intersect(set, UNESCAPED);
    const forms: Alternative[] = plain.length > 0 ? [[bracketed(plain)]] : [];
    let short = isAny ? '/' : '';
    for (const [char, sign] of SHORT) if (has(set, char.charCodeAt(0))) short += sign;
    const byHex = isAny ? set : intersect(set, ESCAPED_BY_HEX);
    if (short !== '' || byHex.length > 0) forms.push([BACKSLASH, this.escape(short, byHex)]);
    return forms;
  }

  /** What may stand behind the backslash: most sets have one of few. */
  private escape(short: string, byHex: CodePoints): number {
    const key = `${short} ${keyOf(byHex)}`;
    let rule = this.escapes.get(key);
    if (rule === undefined) {
      const forms = this.hex.escapes(byHex);
      if (short !== '') forms.unshift([bracketed(charactersOf(short))]);
      rule = this.builder.rule('escape', forms);
      this.escapes.set(key, rule);
    }
    return rule;
  }
}

/** The character of a set that has one, where that stands as itself in a JSON string; or else nothing. */
export function plainCharacter(set: CodePoints): string {
  if (set.length !== 1) return '';
  const from = set[0]![0];
  const to = set[0]![1];
  return from === to && isPlainRange(from, to) ? String.fromCharCode(from) : '';
}

function isPlain(set: CodePoints): boolean {
  for (let i = 0; i < set.length; i++) if (!isPlainRange(set[i]![0], set[i]![1])) return false;
  return true;
}

/** Whether all characters are ASCII that stands as itself in a JSON string: all but the quotation mark and the backslash. */
function isPlainRange(from: number, to: number): boolean {
  if (from < 0x20 || to > 0x7e) return false;
  return (from > 0x22 || to < 0x22) && (from > 0x5c || to < 0x5c);
}
