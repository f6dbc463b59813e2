// Abuse of schemas and grammars, on the real model: refused with a reason or kept, while others are answered.
import { describe, expect, it } from 'vitest';
import { askedDemo, schema } from '../support/asked-demo.js';

const { ask, askRaw, served } = askedDemo();

describe('31 a deep schema', () => {
  const nested = (depth: number) => {
    let inner: object = { type: 'string' };
    for (let i = 0; i < depth; i++)
      inner = { type: 'object', properties: { a: inner }, required: ['a'] };
    return inner;
  };

  it('is refused by its body', async () => {
    const depth = 5000;
    const deep = `${'{"type":"object","properties":{"a":'.repeat(depth)}{}${'}}'.repeat(depth)}`;
    const { status, json } = await askRaw(
      `"response_format":{"type":"json_schema","json_schema":{"schema":${deep}}}`,
    );
    expect([status, json.error.code]).toEqual([400, 'too_deep']);
  });

  it('is kept where it is not too deep', async () => {
    const { status, json } = await ask({ ...schema(nested(20)), max_tokens: 40 });
    expect(status).toBe(200);
    expect(json.choices[0].message.content).toMatch(/^\{"a": ?\{"a"/);
  });
});

it.each<[string, string, string?]>([
  ['^+', 'a repetition of an anchor'],
  ['(', 'a group that is not closed'],
  ['five thousand groups', 'groups nested deeper', `${'('.repeat(5000)}a${')'.repeat(5000)}`],
  ['a{1000000}', 'a repetition above 10000'],
  ['^(.*a.{30})*$', 'too many states'],
  ['^(a{1,5000}){1,5000}$', 'too many states'],
])('32 the pattern %j is refused', async (pattern, reason, own = pattern) => {
  const { status, json } = await ask(schema({ type: 'string', pattern: own }));
  expect([status, json.error.code]).toEqual([400, 'invalid_schema']);
  expect(json.error.message).toContain(reason);
});

it.each(['(a+)+$', '^(a|a)*$'])(
  '32 the pattern %j is kept, as no automaton goes back',
  async (p) => {
    const { status, json } = await ask(schema({ type: 'string', pattern: p }));
    expect(status).toBe(200);
    expect(json.choices[0].message.content).toMatch(/^"/);
  },
);

it.each(
  [
    `root ::= ${'('.repeat(50_000)}"a"${')'.repeat(50_000)}`,
    `root ::= ${'["'.repeat(3000)}`,
    'root ::= root',
    'root ::= a\na ::= b\nb ::= a',
    'root ::= "a"{1,1000000}',
    'nothing ::= "a"',
    `root ::= "x" ${'("a" | "b")* '.repeat(20_000)}`,
  ].map((grammar) => [grammar.slice(0, 30), grammar]),
)('33 the grammar %j is refused', async (_, grammar) => {
  const { status, json } = await ask({ response_format: { type: 'grammar', grammar } });
  expect(status).toBe(400);
  expect(json.error.param).toMatch(/^response_format/);
});

it('34 products of huge lengths are sums in the grammar, and beyond a million refused', async () => {
  const text = { type: 'string', maxLength: 100_000 };
  const list = { type: 'array', maxItems: 100_000, items: text };
  const huge = schema({ type: 'array', maxItems: 100_000, items: list });
  const { status, json } = await ask(huge);
  expect(status).toBe(200);
  expect(json.choices[0].message.content).toMatch(/^\[/);
  const { json: refused } = await ask(schema({ type: 'array', maxItems: 1e9, items: list }));
  expect([refused.error.code, refused.error.message]).toEqual([
    'invalid_schema',
    expect.stringContaining('"maxItems"'),
  ]);
});

it.each<[string, object]>([
  ['another server', { $ref: 'http://169.254.169.254/schema.json' }],
  ['a file', { $ref: 'file:///etc/passwd' }],
  ['nothing', { $ref: '#/$defs/none' }],
])('35 a $ref to %s is refused', async (_, value) => {
  const { status, json } = await ask(schema(value));
  expect([status, json.error.code]).toEqual([400, 'invalid_schema']);
});

it.each<object>([
  { $ref: '#' },
  { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
  { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
])('35 the circle %j ends nothing', async (value) => {
  const { status, json } = await ask(schema(value));
  expect([200, 400]).toContain(status);
  if (status === 400) expect(json.error.code).toBe('invalid_schema');
});

describe('36 a schema that no grammar keeps', () => {
  it.each<object>([
    { type: 'array', items: { type: 'string' }, uniqueItems: true },
    { not: { type: 'string' } },
    { type: 'object', dependentSchemas: { a: { required: ['b'] } } },
  ])('is refused, or kept: %j', async (value) => {
    const { status, json } = await ask(schema(value));
    if (status === 400) expect(json.error.code).toBe('invalid_schema');
    else
      expect(
        await served().model.matches('"a"', { type: 'json_schema', schema: value as never }),
      ).toBe(false);
  });

  it('is kept to the letter where it is taken', async () => {
    const value = {
      type: 'object',
      properties: { n: { type: 'integer', minimum: 10, maximum: 12 } },
    };
    const required = { ...value, required: ['n'], additionalProperties: false };
    const { json } = await ask({ ...schema(required), max_tokens: 30, temperature: 2, seed: 3 });
    const { n } = JSON.parse(json.choices[0].message.content);
    expect([10, 11, 12]).toContain(n);
  });
});
