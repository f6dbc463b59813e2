/** How much is made of a schema, in states and rules: what time and memory follow from. */
import { expect, it } from 'vitest';
import { classify } from '../../../src/grammar/automaton.js';
import { jsonSchemaToGrammar } from '../../../src/grammar/json-schema-to-grammar.js';
import { TermPool } from '../../../src/grammar/language.js';
import { Moves } from '../../../src/grammar/moves.js';
import { searchTerm } from '../../../src/grammar/regexp.js';
import { grammarAdmits } from '../../support/grammar-matcher.js';

const rules = (schema: unknown) => jsonSchemaToGrammar(schema).split('\n').length - 1;

it('tells names apart by twenty patterns in one automaton, not in a million products', () => {
  const moves = new Moves(new TermPool());
  const sources = Array.from({ length: 20 }, (_, i) => `^key${String.fromCharCode(97 + i)}`);
  const parts = sources.map((source) => searchTerm(moves.pool, source));
  const kindOf = (fits: readonly boolean[]) => fits.indexOf(true);
  const automaton = classify(moves, { term: moves.pool.anything, parts, kindOf }, 100);
  expect(automaton.length).toBeLessThan(30);
  expect(new Set(automaton.map(({ kind }) => kind)).size).toBe(21);
  expect(moves.pool.size).toBeLessThan(300);
});

it('keeps the value of each pattern', () => {
  const names = Array.from({ length: 12 }, (_, i) => `p${i}`);
  const patternProperties = Object.fromEntries(names.map((name, i) => [`^${name}_`, { const: i }]));
  const schema = { type: 'object', patternProperties, additionalProperties: { type: 'null' } };
  const grammar = jsonSchemaToGrammar(schema);
  expect(rules(schema)).toBeLessThan(150);
  for (const text of ['{"p3_": 3, "p11_x": 11}', '{"p3": null}'])
    expect(grammarAdmits(grammar, text), text).toBe(true);
  for (const text of ['{"p3_": 4}', '{"p11_x": 1}', '{"p3_": null}', '{"p3": 3}'])
    expect(grammarAdmits(grammar, text), text).toBe(false);
});

it('writes equal schemas once, whatever they are described as', () => {
  const member = (description: string) => ({
    type: 'object',
    description,
    properties: { id: { type: 'integer' }, tag: { enum: ['a', 'b'] } },
    additionalProperties: false,
  });
  const object = (count: number) => ({
    type: 'object',
    properties: Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`p${i}`, member(`number ${i}`)]),
    ),
    additionalProperties: false,
  });
  // Two rules for each further property: with it, and from it on.
  expect(rules(object(40)) - rules(object(20))).toBeLessThanOrEqual(40);
});

it('follows only one way where a required word chooses among many conditions', () => {
  const kinds = Array.from({ length: 24 }, (_, i) => `kind${i}`);
  const schema = {
    type: 'object',
    properties: {
      kind: { enum: kinds },
      ...Object.fromEntries(kinds.map((kind, i) => [`${kind}_at`, { const: i }])),
    },
    required: ['kind'],
    additionalProperties: false,
    allOf: kinds.map((kind) => ({
      if: { properties: { kind: { const: kind } } },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON schema
      then: { required: [`${kind}_at`] },
    })),
  };
  const grammar = jsonSchemaToGrammar(schema);
  expect(grammarAdmits(grammar, '{"kind": "kind7", "kind7_at": 7}')).toBe(true);
  expect(grammarAdmits(grammar, '{"kind": "kind7", "kind8_at": 8}')).toBe(false);
  expect(grammarAdmits(grammar, '{"kind": "kind7"}')).toBe(false);
});

it.each([
  ['words', (i: number) => ({ const: `t${i}` })],
  ['numbers', (i: number) => ({ minimum: i, maximum: i, type: 'integer' })],
  ['types', (i: number) => (i % 2 ? { type: 'string' } : { type: 'null' })],
] as const)('writes alternatives once that %s tell apart', (_, tagOf) => {
  const oneOf = Array.from({ length: 2 }, (_, i) => ({
    type: 'object',
    properties: { tag: tagOf(i), more: { type: 'string' } },
    required: ['tag'],
  }));
  const grammar = jsonSchemaToGrammar({ oneOf });
  expect(grammar).toBe(jsonSchemaToGrammar({ anyOf: oneOf }));
});

it('writes once what ways to write an object begin with', () => {
  const names = Array.from({ length: 30 }, (_, i) => `p${i}`);
  const closed = (last: string) => ({
    type: 'object',
    properties: Object.fromEntries([...names, last].map((name) => [name, { type: 'null' }])),
    required: [last],
    additionalProperties: false,
  });
  const anyOf = (count: number) => ({
    anyOf: Array.from({ length: count }, (_, i) => closed(`last${i}`)),
  });
  expect(rules(anyOf(20)) - rules(anyOf(10))).toBeLessThanOrEqual(10 * 5);
  const grammar = jsonSchemaToGrammar(anyOf(3));
  expect(grammarAdmits(grammar, '{"p7": null, "last2": null}')).toBe(true);
  expect(grammarAdmits(grammar, '{"p7": null, "last1": null, "last2": null}')).toBe(false);
  expect(grammarAdmits(grammar, '{"p7": null}')).toBe(false);
});

it('writes once what names of several objects end with', () => {
  const object = (name: string) => ({
    type: 'object',
    properties: { [name]: { type: 'string' } },
    patternProperties: { [`^${name}_[a-z]{2,3}(-[A-Z]{1,40})?$`]: { type: 'null' } },
    additionalProperties: { type: 'boolean' },
  });
  const objects = (count: number) => ({
    anyOf: Array.from({ length: count }, (_, i) => object(`title${'x'.repeat(i)}`)),
  });
  expect(rules(objects(8)) - rules(objects(4))).toBeLessThan(100);
  const grammar = jsonSchemaToGrammar(objects(2));
  expect(grammarAdmits(grammar, '{"titlex": "a", "titlex_de-CH": null, "other": true}')).toBe(true);
  expect(grammarAdmits(grammar, '{"titlex": "a", "titlex_de-CH": true}')).toBe(false);
  expect(grammarAdmits(grammar, '{"titlex": "a", "titlex_de-ch": null}')).toBe(false);
});

it.each([
  [
    'hostname',
    ['a', `${'b'.repeat(40)}.c-d.e`, 'a.b.c.d.e.f'],
    ['', '-a', 'a-', 'a..b', 'a.', 'a.b.c.d.e.f.g', 'b'.repeat(41)],
  ],
  [
    'email',
    ['a.b@c.de', `x@${'y'.repeat(63)}.z`],
    ['a@b', '@b.c', 'a@.b', 'a@b.', `x@${'y'.repeat(64)}.z`],
  ],
])('writes a label of the format %s once', (format, valid, invalid) => {
  const schema = { type: 'string', format };
  expect(rules(schema)).toBeLessThan(140);
  const grammar = jsonSchemaToGrammar(schema);
  for (const text of valid) expect(grammarAdmits(grammar, `"${text}"`), text).toBe(true);
  for (const text of invalid) expect(grammarAdmits(grammar, `"${text}"`), text).toBe(false);
});

it('tells no more remainders apart than make a difference', () => {
  expect(rules({ type: 'integer', multipleOf: 1_000 })).toBeLessThan(100);
  const schema = { type: 'integer', multipleOf: 4, allOf: [{ multipleOf: 6 }, { multipleOf: 10 }] };
  expect(rules(schema)).toBeLessThan(150);
  const grammar = jsonSchemaToGrammar(schema);
  for (const value of ['0', '60', '-120', '6000060'])
    expect(grammarAdmits(grammar, value), value).toBe(true);
  for (const value of ['30', '20', '12', '61', '6000061'])
    expect(grammarAdmits(grammar, value), value).toBe(false);
});

it('takes a long word and refuses one that is no choice', () => {
  const word = 'ab'.repeat(5_000);
  expect(grammarAdmits(jsonSchemaToGrammar({ enum: [word, 'a'] }), `"${word}"`)).toBe(true);
  expect(() => jsonSchemaToGrammar({ enum: [word.repeat(3)] })).toThrow(
    expect.objectContaining({ code: 'ERR_SCHEMA' }),
  );
});

it('tells long words apart that begin alike, and those above U+FFFF', () => {
  const long = 'ab'.repeat(9_000);
  const words = [`${long}x`, `${long}y`, '\u{1f600}a', '\u{1f601}', '\ufffd', ''];
  const grammar = jsonSchemaToGrammar({ enum: words });
  for (const word of words) expect(grammarAdmits(grammar, JSON.stringify(word))).toBe(true);
  for (const word of [long, `${long}xy`, '\u{1f600}', 'a'])
    expect(grammarAdmits(grammar, JSON.stringify(word))).toBe(false);
});

it('does not take schemas for equal that contain themselves', () => {
  const own: Record<string, unknown> = { type: 'object', additionalProperties: false };
  own.properties = { a: own };
  const outer = { type: 'object', additionalProperties: false, properties: { a: own, b: true } };
  const grammar = jsonSchemaToGrammar({ ...outer, properties: { x: outer, y: own } });
  expect(grammarAdmits(grammar, '{"x": {"a": {"a": {}}, "b": 1}, "y": {"a": {}}}')).toBe(true);
  expect(grammarAdmits(grammar, '{"y": {"b": 1}}')).toBe(false);
});

it.each(['^(a{1,5000}){1,5000}$', '^(.*a.{30})*$', '^(x{1,90}y{1,90}){1,90}$'])(
  'gives up on the pattern %s after some work',
  (pattern) => {
    expect(() => jsonSchemaToGrammar({ type: 'string', pattern })).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEMA', keyword: 'pattern' }),
    );
  },
);
