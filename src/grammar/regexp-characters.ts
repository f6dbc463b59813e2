/** Reads a regular expression character by character: its escapes and its classes of characters. */
import {
  ANY_CHARACTER,
  type CodePoints,
  charactersOf,
  codePoints,
  complement,
  union,
} from './code-points.js';
import { unicodeProperty } from './unicode-property.js';

export class NotRegular extends Error {}

const DIGIT: CodePoints = [[0x30, 0x39]];
const WORD = codePoints([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const LINE_ENDS = charactersOf('\n\r\u2028\u2029');
export const NO_LINE_END = complement(LINE_ENDS);
const SPACE = union(LINE_ENDS, charactersOf('\t\v\f \u00a0\u1680\u202f\u205f\u3000\ufeff'), [
  [0x2000, 0x200a],
]);
const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

export class CharacterReader {
  protected readonly chars: string[];
  protected at = 0;

  constructor(source: string) {
    this.chars = Array.from(source);
  }

  protected take(text: string): boolean {
    if (!this.ahead(text)) return false;
    this.at += text.length;
    return true;
  }

  protected ahead(text: string): boolean {
    if (text.length === 1) return this.chars[this.at] === text;
    for (let i = 0; i < text.length; i++) if (this.chars[this.at + i] !== text[i]) return false;
    return true;
  }

  protected characterClass(): CodePoints {
    const isNegated = this.take('^');
    const sets: CodePoints[] = [];
    while (!this.take(']')) {
      if (this.at >= this.chars.length)
        throw new NotRegular('a character class that is not closed');
      const from = this.classAtom();
      const isRange =
        this.ahead('-') && this.chars[this.at + 1] !== ']' && this.at + 1 < this.chars.length;
      if (!isRange) {
        sets.push(from);
        continue;
      }
      this.at++;
      const to = this.classAtom();
      if (isSingle(from) && isSingle(to)) {
        if (from[0]![0] > to[0]![0])
          throw new NotRegular('a range of characters that is out of order');
        sets.push(codePoints([[from[0]![0], to[0]![0]]]));
      } else sets.push(from, charactersOf('-'), to);
    }
    return isNegated ? complement(union(...sets)) : union(...sets);
  }

  private classAtom(): CodePoints {
    if (this.take('\\')) return this.escape(true);
    return charactersOf(this.chars[this.at++]!);
  }

  protected escape(inClass: boolean): CodePoints {
    const char = this.chars[this.at++];
    if (char === undefined) throw new NotRegular('a backslash at the end');
    const known = CLASSES[char];
    if (known) return known;
    const control = CONTROLS[char];
    if (control !== undefined) return [[control, control]];
    if (char === 'b' && inClass) return [[8, 8]];
    if (char === 'b' || char === 'B') throw new NotRegular('a word boundary');
    if (char === 'k') throw new NotRegular('a back reference');
    if (char === 'p' || char === 'P') return this.property(char === 'P');
    if (char === 'c' && /[A-Za-z]/.test(this.chars[this.at] ?? '')) {
      const point = this.chars[this.at++]!.charCodeAt(0) % 32;
      return [[point, point]];
    }
    if (char === 'x') return this.hex(2) ?? charactersOf('x');
    if (char === 'u') return this.unicode();
    if (char === '0' && !/\d/.test(this.chars[this.at] ?? '')) return [[0, 0]];
    if (/\d/.test(char)) throw new NotRegular('a back reference');
    // \A, \Z, \h and their like mean something elsewhere and here a letter that nobody wanted.
    if (/[A-Za-z]/.test(char)) throw new NotRegular(`the escape "\\${char}", which ECMA-262 lacks`);
    return charactersOf(char);
  }

  private hex(digits: number): CodePoints | undefined {
    const text = this.chars.slice(this.at, this.at + digits).join('');
    if (text.length < digits || !/^[0-9a-f]+$/i.test(text)) return undefined;
    this.at += digits;
    const point = Number.parseInt(text, 16);
    return [[point, point]];
  }

  private unicode(): CodePoints {
    const braced = /^\{([0-9a-f]{1,6})\}/i.exec(this.chars.slice(this.at, this.at + 8).join(''));
    if (braced) {
      this.at += braced[0].length;
      const point = Number.parseInt(braced[1]!, 16);
      if (point > 0x10ffff) throw new NotRegular('a character above U+10FFFF');
      return codePoints([[point, point]]);
    }
    const unit = this.hex(4);
    if (!unit) throw new NotRegular('"\\u" without four hexadecimal digits');
    const high = unit[0]![0];
    if (high < 0xd800 || high > 0xdfff) return unit;
    const unpaired = this.take('\\u') ? this.hex(4) : undefined;
    const low = unpaired?.[0]?.[0];
    if (high > 0xdbff || low === undefined || low < 0xdc00 || low > 0xdfff)
      throw new NotRegular('half a surrogate pair');
    const point = 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
    return [[point, point]];
  }

  private property(isNegated: boolean): CodePoints {
    const found = /^\{([A-Za-z0-9_=]+)\}/.exec(this.chars.slice(this.at, this.at + 80).join(''));
    const set = found ? unicodeProperty(found[1]!) : undefined;
    if (!set) throw new NotRegular('an unknown Unicode property');
    this.at += found![0].length;
    return isNegated ? complement(set) : set;
  }
}

function isSingle(set: CodePoints): boolean {
  return set.length === 1 && set[0]![0] === set[0]![1] && set !== ANY_CHARACTER;
}
