/**
 * Python literals as text: reading them (ast.literal_eval) and writing lists of strings (repr).
 * Judges answer in dictionaries, MMMU stores its options as a list, Video-MME's prompt shows one.
 */
import { parseFloatLiteral, parseInteger } from './python-numbers.js';

export type PythonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | PythonValue[]
  | Map<PythonValue, PythonValue>;

/** ast.literal_eval; undefined where Python raises. Integers come as bigint, floats as number, dicts as Map. */
export function literal(text: string): PythonValue | undefined {
  const reader = new LiteralReader(text.replace(/^[ \t]+/, ''));
  try {
    return reader.readWhole();
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

class NotALiteral extends Error {}

const CONSTANTS = new Map<string, PythonValue>([
  ['True', true],
  ['False', false],
  ['None', null],
]);
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?/y;
const STRING = /[rRuU]?("""|'''|"|')/y;
const ESCAPES = new Map(
  Object.entries({ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v', '\n': '' }),
);
const MAX_DEPTH = 100;

class LiteralReader {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  readWhole(): PythonValue {
    while (this.text[this.at] === '\n') this.at++;
    if (/^[ \t]/.test(this.text.slice(this.at))) throw new NotALiteral(); // an indented first line
    const value = this.readValue();
    this.skipSpace(true);
    // A tuple needs no brackets.
    if (this.text[this.at] === ',') return this.readItems([value], '');
    if (this.at < this.text.length) throw new NotALiteral();
    return value;
  }

  /** Inside brackets lines may break; outside, only after the value. */
  private skipSpace(lines = this.depth > 0): void {
    const space = lines ? /(?:[ \t\n\r\f]|#[^\n]*)*/y : /(?:[ \t\f])*/y;
    space.lastIndex = this.at;
    space.exec(this.text);
    this.at = space.lastIndex;
  }

  private readValue(): PythonValue {
    this.skipSpace();
    const next = this.text[this.at] ?? '';
    if (next === '[') return this.readList(']');
    if (next === '(') return this.readParentheses();
    if (next === '{') return this.readBraces();
    if (next === '-' || next === '+') return this.readSigned(next);
    const string = this.match(STRING);
    if (string) return this.readStrings(string);
    const number = this.match(NUMBER);
    if (number) return numberValue(number[0]);
    const constant = CONSTANTS.get(this.match(NAME)?.[0] ?? '');
    if (constant === undefined) throw new NotALiteral();
    return constant;
  }

  private readSigned(sign: string): PythonValue {
    this.at++;
    const value = this.readValue();
    if (typeof value !== 'number' && typeof value !== 'bigint') throw new NotALiteral();
    return sign === '-' ? -value : value;
  }

  private readList(close: string): PythonValue[] {
    return this.enter(() => this.readItems([], close));
  }

  /** `(1)` is 1, `(1,)` and `()` are tuples. */
  private readParentheses(): PythonValue {
    const start = this.at;
    const items = this.readList(')');
    const body = this.text.slice(start + 1, this.at - 1).trimEnd();
    return items.length === 1 && !body.endsWith(',') ? items[0]! : items;
  }

  /** After an item and before a comma or the end. */
  private readItems(items: PythonValue[], close: string): PythonValue[] {
    for (;;) {
      this.skipSpace();
      if (items.length > 0) {
        if (this.atEnd(close)) return items;
        this.expect(',');
        this.skipSpace();
      }
      if (this.atEnd(close)) return items;
      items.push(this.readValue());
    }
  }

  /** A dict; of a set, which has no order, only that it is one item or more matters here: its items as a list. */
  private readBraces(): PythonValue {
    return this.enter(() => {
      const dict = new Map<PythonValue, PythonValue>();
      for (;;) {
        this.skipSpace();
        if (this.atEnd('}')) return dict;
        const key = this.readValue();
        this.skipSpace();
        if (dict.size === 0 && this.text[this.at] !== ':') return this.readItems([key], '}');
        if (typeof key === 'object' && key !== null) throw new NotALiteral(); // unhashable
        this.expect(':');
        dict.set(key, this.readValue());
        this.skipSpace();
        if (!this.atEnd('}')) this.expect(',');
        else return dict;
      }
    });
  }

  private enter<T>(read: () => T): T {
    if (++this.depth > MAX_DEPTH) throw new NotALiteral();
    this.at++;
    const value = read();
    this.depth--;
    return value;
  }

  private atEnd(close: string): boolean {
    if (close === '') return this.at >= this.text.length;
    if (this.text[this.at] !== close) return false;
    this.at++;
    return true;
  }

  private expect(character: string): void {
    if (this.text[this.at] !== character) throw new NotALiteral();
    this.at++;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  /** Neighbouring strings are one string. */
  private readStrings(first: RegExpExecArray): string {
    let value = this.readString(first);
    for (;;) {
      this.skipSpace();
      const next = this.match(STRING);
      if (!next) return value;
      value += this.readString(next);
    }
  }

  private readString([prefix, quote = '']: RegExpExecArray): string {
    const raw = /^r/i.test(prefix);
    let value = '';
    while (!this.text.startsWith(quote, this.at)) {
      const character = this.text[this.at++];
      if (character === undefined || (character === '\n' && quote.length === 1))
        throw new NotALiteral();
      if (character !== '\\') value += character;
      else if (raw) value += character + (this.text[this.at++] ?? '');
      else value += this.readEscape();
    }
    this.at += quote.length;
    return value;
  }

  private readEscape(): string {
    const numeric = this.match(/x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{1,3}/y);
    if (numeric) {
      const [text] = numeric;
      const code = /^[xuU]/.test(text)
        ? Number.parseInt(text.slice(1), 16)
        : Number.parseInt(text, 8);
      if (code > 0x10ffff) throw new NotALiteral();
      return String.fromCodePoint(code);
    }
    const character = this.text[this.at++] ?? '';
    if (/[xuUN]/.test(character)) throw new NotALiteral();
    return ESCAPES.get(character) ?? (/['"\\]/.test(character) ? character : `\\${character}`);
  }
}

function numberValue(text: string): PythonValue {
  const value = /[.eE]/.test(text) ? parseFloatLiteral(text) : parseInteger(text);
  // Python has no decimal integers with leading zeros but zero itself.
  if (value === undefined || (typeof value === 'bigint' && /^0[\d_]*[1-9]/.test(text)))
    throw new NotALiteral();
  return value;
}

/** str(list of strings), as Video-MME's prompt shows its options. */
export function listText(items: readonly string[]): string {
  return `[${items.map(stringText).join(', ')}]`;
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** repr(str): single quotes, unless the text holds one and no double quote. */
function stringText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = '';
  for (const character of text) {
    if (character === quote || character === '\\') out += `\\${character}`;
    else if (character === '\n') out += '\\n';
    else if (character === '\r') out += '\\r';
    else if (character === '\t') out += '\\t';
    else out += UNPRINTABLE.test(character) ? escaped(character.codePointAt(0)!) : character;
  }
  return quote + out + quote;
}

function escaped(code: number): string {
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
