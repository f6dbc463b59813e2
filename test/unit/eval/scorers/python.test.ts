// What the scorers take from Python. Expected values are Python 3.11's own.
import { describe, expect, it } from 'vitest';
import { listText, literal } from '../../../../src/eval/scorers/python-literals.js';
import {
  floatText,
  parseFloatLiteral,
  parseInteger,
  round,
} from '../../../../src/eval/scorers/python-numbers.js';
import {
  capitalize,
  deletePunctuation,
  splitWords,
  strip,
  stripCharacter,
} from '../../../../src/eval/scorers/python-text.js';

describe('numbers', () => {
  it.each([
    ['1_000', 1000],
    [' 12 ', 12],
    ['1.', 1],
    ['.5', 0.5],
    ['1.e5', 1e5],
    ['+.5e-1', 0.05],
    ['1_0.0_1', 10.01],
    ['1e1_0', 1e10],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['NaN', Number.NaN],
    ['1e400', Infinity],
    ['１２.５', 12.5],
    ['\x857\u3000', 7],
  ])('float(%j)', (text, value) => expect(parseFloatLiteral(text)).toBe(value));

  it.each([
    ...['1__0', '_1', '1_', '0x10', '1,000', '', 'infinit', '\ufeff1', '1 2', '--1', '1e', '.'],
    ...['e5', '\x1c7'],
  ])('float(%j) is none', (text) => expect(parseFloatLiteral(text)).toBeUndefined());

  it.each([
    [' 4 ', 4n],
    ['-0', 0n],
    ['1_000', 1000n],
    ['١٢', 12n],
    ['007', 7n],
    ['4.8', undefined],
    ['1e3', undefined],
    ['', undefined],
  ])('int(%j)', (text, value) => expect(parseInteger(text)).toBe(value));

  it.each([
    [2.5, 0, 2],
    [0.5, 0, 0],
    [-2.5, 0, -2],
    [3.5, 0, 4],
    [2.675, 2, 2.67],
    [0.125, 2, 0.12],
    [0.375, 2, 0.38],
    [2.345, 2, 2.35],
    [1e22, 2, 1e22],
    [-0.04, 1, -0],
    [1234.5678, -2, 1200],
    [5e-324, 3, 0],
    [Infinity, 2, Infinity],
  ])('round(%d, %d)', (value, digits, rounded) => expect(round(value, digits)).toBe(rounded));

  it.each([
    [2, '2.0'],
    [0.1, '0.1'],
    [1e15, '1000000000000000.0'],
    [9999999999999998, '9999999999999998.0'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e-4, '0.0001'],
    [1.234e-5, '1.234e-05'],
    [1.5e300, '1.5e+300'],
    [-0, '-0.0'],
    [-12.5, '-12.5'],
    [Infinity, 'inf'],
    [Number.NaN, 'nan'],
  ])('str(%d)', (value, text) => expect(floatText(value)).toBe(text));
});

describe('text', () => {
  it('knows its white space', () => {
    expect(strip('\x1c\x85\u3000 a \ufeff\v')).toBe('a \ufeff');
    expect(splitWords(' a\x1db\u2028c  d\n')).toEqual(['a', 'b', 'c', 'd']);
    expect(splitWords(' ')).toEqual([]);
  });

  it('strips one character as often as it stands there', () => {
    expect(stripCharacter('..a.b..', '.')).toBe('a.b');
    expect(stripCharacter('...', '.')).toBe('');
  });

  it('deletes ASCII punctuation only', () => {
    expect(deletePunctuation('!a-b_c“d”[e]\\^`{f}~')).toBe('abc“d”ef');
  });

  it.each([
    ['what Is THE name', 'What is the name'],
    ['ßa', 'Ssa'],
    ['ǆx', 'ǅx'],
    ['éCOLE', 'École'],
    ['ΑΣ', 'Ας'],
    ['1ST', '1st'],
    ['', ''],
  ])('%j.capitalize()', (text, capitalized) => expect(capitalize(text)).toBe(capitalized));
});

describe('literals', () => {
  const dict = (entries: Record<string, unknown>) => new Map(Object.entries(entries));

  it.each([
    ["{'pred': 'yes', 'score': 4}", dict({ pred: 'yes', score: 4n })],
    ['{"a": 4.8, "b": -1,}', dict({ a: 4.8, b: -1n })],
    ["\n{'a':\n [1, (2), (3,), None, True]}\n", dict({ a: [1n, 2n, [3n], null, true] })],
    [
      "['it\\'s', \"q\" 'r', '''t\nu''', r'\\n', '\\x41\\u00e9\\101']",
      ["it's", 'qr', 't\nu', '\\n', 'AéA'],
    ],
    ['{1, 2}', [1n, 2n]],
    ['1, 2', [1n, 2n]],
    ['()', []],
    ['{} # none', new Map()],
  ])('reads %j', (text, value) => expect(literal(text)).toEqual(value));

  it.each([
    ...["{''score': 4.8}", 'yes', "Here: {'a': 1}", "{'a': 1", "{'a' 1}", "{'a': 05}", ''],
    ...["{'a': 1} x", "'a\nb'", '[1 2]', '1_', 'f()', '\n {}', '{[]: 1}', '['.repeat(5000)],
  ])('refuses %j', (text) => expect(literal(text)).toBeUndefined());

  it('writes lists of strings', () => {
    const items = [
      "it's",
      'a "q"',
      `both ' and "`,
      'tab\t\n',
      '\x00\x7f\xad',
      'é😀 \\',
      '\u200b\u3000',
    ];
    expect(listText(items)).toBe(
      `["it's", 'a "q"', 'both \\' and "', 'tab\\t\\n', '\\x00\\x7f\\xad', 'é😀 \\\\', '\\u200b\\u3000']`,
    );
  });
});
