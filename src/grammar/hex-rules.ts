/** \uXXXX escapes of sets of characters, without the backslash: digits in either case, no half surrogates. */
import type { CodePoints } from './code-points.js';
import type { Alternative, GrammarBuilder, GrammarSymbol } from './gbnf.js';
import { bracketed, literal } from './terminals.js';

type Range = readonly [from: number, to: number];

export class HexRules {
  private readonly known = new Map<string, GrammarSymbol>();

  constructor(private readonly builder: GrammarBuilder) {}

  escapes(set: CodePoints): Alternative[] {
    const basic = set.flatMap(([from, to]): Range[] =>
      from <= 0xffff ? [[from, Math.min(to, 0xffff)]] : [],
    );
    const beyond = set.flatMap(([from, to]): Range[] =>
      to > 0xffff ? [[Math.max(from, 0x10000), to]] : [],
    );
    const forms: Alternative[] = [];
    if (basic.length > 0) forms.push([literal('u'), this.digits(basic, 4)]);
    return [...forms, ...beyond.flatMap((range) => this.pairs(range))];
  }

  /** A range above U+FFFF: the first high surrogate, those in between, the last one. */
  private pairs([from, to]: Range): Alternative[] {
    const high = (point: number) => 0xd800 + ((point - 0x10000) >> 10);
    const low = (point: number) => 0xdc00 + ((point - 0x10000) & 0x3ff);
    const pair = (highs: Range, lows: Range): Alternative => [
      literal('u'),
      this.digits([highs], 4),
      literal('\\u'),
      this.digits([lows], 4),
    ];
    if (high(from) === high(to)) return [pair([high(from), high(to)], [low(from), low(to)])];
    const forms: Alternative[] = [];
    const isFirstWhole = low(from) === 0xdc00;
    const isLastWhole = low(to) === 0xdfff;
    if (!isFirstWhole) forms.push(pair([high(from), high(from)], [low(from), 0xdfff]));
    const first = high(from) + (isFirstWhole ? 0 : 1);
    const last = high(to) - (isLastWhole ? 0 : 1);
    if (first <= last) forms.push(pair([first, last], [0xdc00, 0xdfff]));
    if (!isLastWhole) forms.push(pair([high(to), high(to)], [0xdc00, low(to)]));
    return forms;
  }

  /** So many hexadecimal digits of a number in one of the ranges, which are sorted. */
  private digits(ranges: readonly Range[], count: number): GrammarSymbol {
    const key = `${count}:${ranges.join(';')}`;
    let symbol = this.known.get(key);
    if (symbol === undefined) {
      symbol = this.write(ranges, count);
      this.known.set(key, symbol);
    }
    return symbol;
  }

  private write(ranges: readonly Range[], count: number): GrammarSymbol {
    const block = 16 ** (count - 1);
    const byRest = new Map<string, { digits: number[]; rest: Range[] }>();
    for (let digit = 0; digit < 16; digit++) {
      const start = digit * block;
      const rest = ranges.flatMap(([from, to]): Range[] => {
        const low = Math.max(from, start) - start;
        const high = Math.min(to, start + block - 1) - start;
        return low <= high ? [[low, high]] : [];
      });
      if (rest.length === 0) continue;
      const key = rest.join(';');
      const known = byRest.get(key);
      if (known) known.digits.push(digit);
      else byRest.set(key, { digits: [digit], rest });
    }
    const forms = [...byRest.values()].map(({ digits, rest }): Alternative => {
      const first = hexClass(digits);
      return count === 1 ? [first] : [first, this.digits(rest, count - 1)];
    });
    if (count === 1) return forms[0]![0]!;
    return this.builder.rule('hex', forms);
  }
}

function hexClass(digits: readonly number[]): string {
  const chars = new Set(
    digits.flatMap((digit) => {
      const char = digit.toString(16);
      return [char, char.toUpperCase()];
    }),
  );
  const points = [...chars].map((char) => char.charCodeAt(0)).sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const point of points) {
    const last = ranges.at(-1);
    if (last && last[1] + 1 === point) last[1] = point;
    else ranges.push([point, point]);
  }
  return bracketed(ranges);
}
