/** Formats beside "maxLength": few rules, every common text, and none that is too long in itself or in a part. */
import { describe, expect, it } from 'vitest';
import { jsonSchemaToGrammar } from '../../../src/grammar/json-schema-to-grammar.js';
import { grammarAdmits } from '../../support/grammar-matcher.js';

const grammarOf = (format: string, maxLength: number, minLength = 0) =>
  jsonSchemaToGrammar({ type: 'string', format, maxLength, minLength });
const rules = (grammar: string) => grammar.split('\n').length - 1;
const admitted = (grammar: string, texts: readonly string[]) =>
  texts.filter((text) => grammarAdmits(grammar, JSON.stringify(text)));
const a = (count: number) => 'a'.repeat(count);

describe.each([30, 50, 100, 128, 254, 320, 1000])('"email" of at most %i characters', (max) => {
  const grammar = grammarOf('email', max);

  it('takes few rules', () => {
    expect(rules(grammar)).toBeLessThan(700);
  });

  const local = Math.min(64, max - 6);
  const host = Math.min(65, max - local - 1);

  it('takes what fits', () => {
    const longest = `${a(local)}@${a(host - 3)}.co`;
    const texts = ['a@b.co', 'jane.doe+news@mail.example.org', 'x@a-b--c.d1.museum', longest];
    expect(admitted(grammar, texts)).toEqual(texts);
  });

  it('refuses what is too long, and what is no address', () => {
    const tooLong = [
      `${a(local)}@${a(host - 2)}.co`,
      `${a(max)}@b.co`,
      `${a(max - 4)}@b.co`,
      `a@${a(max - 4)}.co`,
    ];
    const labels = [`a@${a(64)}.co`, `a@co.${a(64)}`];
    const wrong = [
      'a@b',
      '@b.co',
      'a.@b.co',
      '.a@b.co',
      'a@-b.co',
      'a@b-.co',
      'a@b..co',
      'a b@c.de',
    ];
    expect(admitted(grammar, [...tooLong, ...labels, ...wrong])).toEqual([]);
  });
});

describe.each([20, 63, 64, 100, 200])('"hostname" of at most %i characters', (max) => {
  const grammar = grammarOf('hostname', max);

  it('takes few rules', () => {
    expect(rules(grammar)).toBeLessThan(500);
  });

  it('takes what fits, and nothing else', () => {
    const most = Math.min(max, 63);
    const fits = ['a', 'www.example.org', 'a-1.b--c.d', a(most), `${a(most - 4)}.org`];
    expect(admitted(grammar, fits)).toEqual(fits);
    const not = [
      a(64),
      `${a(64)}.org`,
      `b.${a(64)}`,
      `${a(max - 3)}.org`,
      '-a',
      'a-',
      'a..b',
      'a.',
      '',
    ];
    expect(admitted(grammar, not)).toEqual([]);
  });
});

it('counts the characters of names, too', () => {
  const propertyNames = { format: 'email', maxLength: 100 };
  const grammar = jsonSchemaToGrammar({ additionalProperties: { type: 'null' }, propertyNames });
  expect(rules(grammar)).toBeLessThan(800);
  const isName = (name: string) =>
    grammarAdmits(grammar, JSON.stringify({ [name]: null }).replace(':', ': '));
  expect(['jane.doe@mail.example.org', `${a(64)}@${a(32)}.co`].every(isName)).toBe(true);
  expect(['jane', `${a(64)}@${a(33)}.co`].some(isName)).toBe(false);
});

it('counts from below, too', () => {
  const grammar = grammarOf('email', 254, 8);
  expect(admitted(grammar, ['a@b.co', 'a@bc.co', 'a@bcd.co', 'abc@b.co'])).toEqual([
    'a@bcd.co',
    'abc@b.co',
  ]);
  expect(rules(grammar)).toBeLessThan(1000);
});

it('joins a format with a pattern and a length', () => {
  const grammar = jsonSchemaToGrammar({
    allOf: [
      { type: 'string', format: 'email' },
      { maxLength: 100, pattern: '@example\\.(com|org)$' },
    ],
  });
  expect(admitted(grammar, ['joe@example.com', 'joe@example.net', `${a(90)}@example.com`])).toEqual(
    ['joe@example.com'],
  );
});

it('leaves nothing where no address is so short', () => {
  const grammar = jsonSchemaToGrammar({
    type: ['string', 'null'],
    format: 'email',
    maxLength: 4,
  });
  expect(grammarAdmits(grammar, 'null')).toBe(true);
  expect(admitted(grammar, ['a@b.c', 'a@b.'])).toEqual([]);
});

it.each(['uri', 'uri-reference'])('keeps the places of "/", "?" and "#" in "%s"', (format) => {
  const grammar = jsonSchemaToGrammar({ type: 'string', format });
  const fits = [
    'a:b',
    'http://h',
    'http://u:p@h:80/p/?q=/?#f/?',
    'http://h?q',
    'http://h#f',
    'a:/?q',
    'a:/#f',
    'a:/b//c?d',
    'mailto:a@b.c?s=1',
    'http://h/%41?%41#%41',
  ];
  expect(admitted(grammar, fits)).toEqual(fits);
  expect(
    admitted(grammar, ['http://h#a#b', 'http://h/%4', 'http://h/ ', 'http://h:123456']),
  ).toEqual([]);
  const relative = ['', '/', '/a/b?c#d', '?a', '#a', 'a/b:c', 'a?b:c', '//h/p', '/?a', '//h?a'];
  expect(admitted(grammar, relative)).toEqual(format === 'uri' ? [] : relative);
});

it('counts words and characters in few rules where they are not many enough to meet', () => {
  const words = '^(?:\\S+\\s+){0,99}\\S+$';
  const grammar = jsonSchemaToGrammar({
    type: 'string',
    pattern: words,
    minLength: 1,
    maxLength: 5000,
  });
  expect(rules(grammar)).toBeLessThan(300);
  const fits = ['a', a(80), `${'a '.repeat(40)}a`];
  expect(admitted(grammar, [...fits, '', ' a', 'a ', `${'a '.repeat(100)}a`])).toEqual(fits);
});
