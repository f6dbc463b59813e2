/** What each keyword admits, and what is refused, by our own matcher; the addon's tests have llama.cpp's. */
import { describe, expect, it } from 'vitest';
import { jsonSchemaToGrammar } from '../../../src/grammar/json-schema-to-grammar.js';
import { grammarAdmits } from '../../support/grammar-matcher.js';

const open = { additionalProperties: false };
const string = { type: 'string' };

/** Name, schema, texts that are admitted, texts that are not. */
// biome-ignore format: a table
const CASES: [string, unknown, string[], string[]][] = [
  ['anything', true, ['null', '[1, {"a":"b"}]', '{}', '-1.5e+10'], ['', '01', '{"a" :1}', '[1 ]']],
  ['types', { type: ['integer', 'null'] }, ['0', '-12', 'null'], ['1.5', '"1"', '-0', 'true']],
  ['integers in a range', { type: 'integer', minimum: -3, maximum: 120 }, ['-3', '0', '99', '120'], ['-4', '121', '1000']],
  ['numbers in a range', { type: 'number', minimum: 0.25, exclusiveMaximum: 3 }, ['0.25', '2.999', '1'], ['0.2', '3', '3.0', '-1']],
  ['multiples', { type: 'integer', multipleOf: 7, minimum: 10 }, ['14', '700'], ['7', '15']],
  [
    'multiples of a hundredth',
    { type: 'number', multipleOf: 0.01, minimum: 0 },
    ['0.29', '19.99', '3', '2.5', '7.10', '1.010'],
    ['0.295', '0.001', '1e-3', '29e-2', '-1'],
  ],
  [
    'multiples of five hundredths among given values',
    { enum: [0.15, 0.35, 0.07, 2], multipleOf: 0.05 },
    ['0.15', '0.35', '2'],
    ['0.07'],
  ],
  ['halves', { type: 'number', multipleOf: 0.5 }, ['0.5', '3', '2.50', '-1.5'], ['0.3', '1.25']],
  ['draft 4 bounds', { type: 'integer', minimum: 1, exclusiveMinimum: true }, ['2'], ['1']],
  ['lengths', { ...string, minLength: 2, maxLength: 3 }, ['"ab"', '"é€😀"', '"\\n\\u00e9"', '"\\ud83d\\ude00x"'], ['"a"', '"abcd"']],
  ['long lengths', { ...string, maxLength: 300 }, [JSON.stringify('x'.repeat(300)), '""'], [JSON.stringify('x'.repeat(301))]],
  ['escapes', string, ['"\\u0041\\/"', '"\\ud83d\\ude00"'], ['"\\ud83d"', '"\\x"', '"\n"', '"\\u12"']],
  ['a pattern that is anchored', { ...string, pattern: '^a+b?$' }, ['"aa"', '"ab"'], ['"b"', '"xab"', '"abb"']],
  ['a pattern that is not', { ...string, pattern: 'b' }, ['"abc"', '"b"'], ['"ac"']],
  ['anchors in a choice', { ...string, pattern: '^a|b$' }, ['"ax"', '"xb"'], ['"xa"', '"bx"']],
  ['a pattern with a length', { ...string, pattern: '^[a-c]*$', minLength: 2, maxLength: 4 }, ['"ab"', '"abca"'], ['"a"', '"abcab"', '"xy"']],
  ['classes', { ...string, pattern: '^[\\d\\-x]\\p{Lu}[^a]$' }, ['"-Ä!"', '"xB\\""'], ['"aB!"', '"1b!"', '"1Ba"']],
  ['dates', { ...string, format: 'date' }, ['"2024-02-29"', '"2023-12-31"'], ['"2023-02-29"', '"2024-13-01"', '"2024-1-01"']],
  ['addresses', { ...string, format: 'ipv4' }, ['"10.0.0.255"'], ['"256.1.1.1"', '"1.2.3"']],
  ['mail', { ...string, format: 'email' }, ['"jo.do@example.org"'], ['"jo@"', '"a b@c.de"']],
  ['unknown formats', { ...string, format: 'colour' }, ['"anything"'], ['1']],
  ['enum', { enum: ['a', 'ab', 1, null, { x: [1] }] }, ['"a"', '"ab"', '1', 'null', '{"x": [1]}'], ['"b"', '2', '{"x":[2]}', '{}']],
  ['const with escapes', { const: 'é"\n' }, ['"é\\"\\n"', '"\\u00e9\\"\\n"'], ['"e"']],
  ['properties in order', { type: 'object', properties: { a: {}, b: {} }, required: ['b'], ...open }, ['{"a": 1, "b":2}', '{"b": 2}'], ['{"b": 2, "a": 1}', '{"a": 1}', '{"b": 1, "c": 1}']],
  ['other properties', { properties: { a: { type: 'integer' } }, additionalProperties: string }, ['{"a": 1, "ab": "x"}', '{"b": "x"}'], ['{"b": 1}', '{"b": "x", "a": "y"}']],
  ['names by pattern', { type: 'object', patternProperties: { '^x': { type: 'integer' } }, ...open }, ['{"x1": 1}', '{}'], ['{"y": 1}', '{"x": "a"}']],
  ['propertyNames', { type: 'object', propertyNames: { pattern: '^[a-z]$' } }, ['{"a": 1}'], ['{"ab": 1}', '{"A":1}']],
  ['counted properties', { type: 'object', properties: { a: {}, b: {}, c: {} }, minProperties: 2, maxProperties: 2, ...open }, ['{"a":1, "c":1}'], ['{"a":1}', '{"a":1,"b":1,"c":1}']],
  ['dependentRequired', { type: 'object', properties: { a: {}, b: {} }, dependentRequired: { a: ['b'] }, ...open }, ['{"b":1}', '{"a":1,"b":1}', '{}'], ['{"a":1}']],
  ['items', { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3 }, ['[1]', '[1, 2,3]'], ['[]', '[1,2,3,4]', '["a"]']],
  ['prefixItems', { prefixItems: [string, { type: 'null' }], items: false }, ['["a", null]', '["a"]', '[]'], ['["a", 1]', '["a",null,1]']],
  ['draft 7 tuples', { items: [string], additionalItems: { type: 'null' } }, ['["a",null,null]'], ['["a",1]']],
  ['contains', { type: 'array', items: { type: 'integer' }, contains: { minimum: 5 } }, ['[1,5]', '[7]'], ['[]', '[1,2]']],
  ['unique values of an enum', { type: 'array', items: { enum: ['a', 'b'] }, uniqueItems: true }, ['["b","a"]', '[]'], ['["a","a"]']],
  ['a recursive reference', { $ref: '#/$defs/n', $defs: { n: { type: 'object', properties: { n: { $ref: '#/$defs/n' } }, ...open } } }, ['{"n": {"n": {}}}'], ['{"n": 1}']],
  ['allOf', { allOf: [{ type: 'integer', minimum: 2 }, { maximum: 4 }] }, ['2', '4'], ['1', '5', '"2"']],
  ['oneOf with an overlap', { oneOf: [{ type: 'integer', minimum: 0 }, { type: 'integer', maximum: 5 }] }, ['-1', '6'], ['0', '5']],
  ['oneOf by required', { type: 'object', properties: { a: {}, b: {} }, oneOf: [{ required: ['a'] }, { required: ['b'] }], ...open }, ['{"a":1}', '{"b":1}'], ['{"a":1,"b":1}', '{}']],
  ['not', { type: 'string', not: { enum: ['a', 'b'] } }, ['"c"', '"ab"', '""'], ['"a"', '"b"']],
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  ['if', { type: 'object', properties: { k: { enum: ['x', 'y'] }, v: {} }, required: ['k'], if: { properties: { k: { const: 'x' } } }, then: { required: ['v'] }, ...open }, ['{"k":"y"}', '{"k":"x","v":1}'], ['{"k":"x"}']],
  ['unevaluatedProperties', { allOf: [{ properties: { a: {} } }], properties: { b: {} }, unevaluatedProperties: false }, ['{"b":1,"a":1}', '{}'], ['{"c":1}']],
];

describe('jsonSchemaToGrammar', () => {
  it.each(CASES)('keeps %s', (_, schema, admitted, refused) => {
    const grammar = jsonSchemaToGrammar(schema);
    for (const text of admitted) expect(grammarAdmits(grammar, text), text).toBe(true);
    for (const text of refused) expect(grammarAdmits(grammar, text), text).toBe(false);
  });

  it.each([
    [{ type: 'strin' }, '', 'type'],
    [{ properties: { a: { items: { type: 'any' } } } }, '/properties/a/items', 'type'],
    [{ properties: { 'a/b~': { pattern: '(?:(?=xy).)+' } } }, '/properties/a~1b~0', 'pattern'],
    [{ pattern: '\\bx' }, '', 'pattern'],
    [{ pattern: '(a)\\1' }, '', 'pattern'],
    [{ pattern: '(' }, '', 'pattern'],
    [{ patternProperties: { '^(?!a$)': {} } }, '', 'patternProperties'],
    [{ pattern: '^+' }, '', 'pattern'],
    [{ pattern: `${'('.repeat(5000)}${')'.repeat(5000)}` }, '', 'pattern'],
    [{ pattern: '^(.*a.{30})*$' }, '', 'pattern'],
    [{ format: 'regex' }, '', 'format'],
    [{ $ref: 'https://example.org/schema' }, '', '$ref'],
    [{ $ref: '#/$defs/missing' }, '', '$ref'],
    [{ type: 'array', uniqueItems: true }, '', 'uniqueItems'],
    [{ type: 'number', multipleOf: 1e-8 }, '', 'multipleOf'],
    [{ type: 'number', not: { multipleOf: 0.01 } }, '/not', 'not'],
    [{ type: 'object', minProperties: 2 }, '', 'minProperties'],
    [{ type: 'integer', minimum: 5, maximum: 4 }, '', 'type'],
    [{ enum: [] }, '', 'type'],
    [{ minLength: -1 }, '', 'minLength'],
    [{ required: 'a' }, '', 'required'],
    [{ properties: [] }, '', 'properties'],
    [false, '', '$schema'],
    ['{}', '', '$schema'],
  ])('refuses %j', (schema, pointer, keyword) => {
    expect(() => jsonSchemaToGrammar(schema)).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEMA', pointer, keyword }),
    );
  });

  it('refuses what is too deep, too long or too many, in time', () => {
    let deep: object = {};
    for (let i = 0; i < 5000; i++) deep = { items: deep };
    const wide = { anyOf: Array.from({ length: 20 }, (_, i) => ({ required: [`p${i}`] })) };
    const product = { allOf: Array.from({ length: 8 }, () => ({ ...wide })) };
    const cyclic: Record<string, unknown> = {};
    cyclic.properties = { a: cyclic };
    for (const schema of [deep, product, { ...cyclic, items: [{ $ref: '#/items/0' }] }]) {
      const start = performance.now();
      try {
        jsonSchemaToGrammar(schema);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_SCHEMA' });
      }
      expect(performance.now() - start).toBeLessThan(20_000);
    }
  });

  it('keeps objects of many properties, and refuses texts that are too long', () => {
    const names = Array.from({ length: 2500 }, (_, i) => `p${i}`);
    const properties = Object.fromEntries(names.map((name) => [name, { type: 'integer' }]));
    const grammar = jsonSchemaToGrammar({ type: 'object', properties, ...open });
    expect(grammarAdmits(grammar, '{"p0": 1, "p2499": 2}')).toBe(true);
    expect(() => jsonSchemaToGrammar({ enum: ['x'.repeat(100_000)] })).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEMA' }),
    );
  });

  it('is not led astray by names of prototypes', () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"integer"},"constructor":{"type":"null"}},"required":["__proto__"],"additionalProperties":false}',
    );
    const grammar = jsonSchemaToGrammar(schema);
    expect(grammarAdmits(grammar, '{"__proto__": 1, "constructor": null}')).toBe(true);
    expect(grammarAdmits(grammar, '{"constructor": null}')).toBe(false);
    expect(() => jsonSchemaToGrammar({ type: 'toString' })).toThrow(/no type/);
  });
});
