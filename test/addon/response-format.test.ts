/** Answers in a shape, on the real engine with the demo model: what ends by itself is what was asked for. */
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { jsonSchemaToGrammar, LlavaOneVision, type ResponseFormat } from '../../src/index.js';
import { ajvJudge } from '../support/ajv-judge.js';
import { demoMessages } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';
import { randomUniform } from '../support/random.js';
import { RandomSchemas } from '../support/random-schemas.js';

const SCHEMAS = Number(process.env.LLAVAOV_FUZZ ?? 60);

let model: LlavaOneVision;
beforeAll(async () => {
  const files = { ...(await convertedFiles('demo', 'f16')), threads: 1 };
  model = await LlavaOneVision.load({ ...files, contextSize: 8192, maxSequences: 4 });
});
afterAll(() => model?.dispose());

const question = demoMessages(1)[0]!;
const hello = [{ role: 'user' as const, content: 'Hello?' }];
const Picture = z.object({
  colour: z.enum(['red', 'green', 'blue']),
  count: z.int().min(0).max(20),
  isRound: z.boolean(),
});

it('gives a parsed and typed value for a zod object', async () => {
  const responseFormat = { type: 'json_schema' as const, schema: Picture };
  const { text, parsed, finishReason } = await model.chat(question, { responseFormat }).result;
  expectTypeOf(parsed).toEqualTypeOf<z.infer<typeof Picture> | undefined>();
  expect(finishReason).toBe('stop');
  expect(Picture.parse(JSON.parse(text))).toEqual(parsed);
});

it('gives no value where the limit or a stop string came first', async () => {
  const responseFormat = { type: 'json_schema' as const, schema: Picture };
  const short = await model.chat(question, { responseFormat, maxTokens: 5 }).result;
  expect(short).toMatchObject({ finishReason: 'length', parsed: undefined });
  const stopped = await model.chat(question, { responseFormat, stop: '}' }).result;
  expect(stopped).toMatchObject({ finishReason: 'stop', parsed: undefined });
  expect(stopped.text).not.toContain('}');
});

it('gives log-probabilities from before the mask', async () => {
  const options = { topLogprobs: 3, maxTokens: 1 };
  const free = model.chat(hello, options);
  const kept = model.chat(hello, { ...options, responseFormat: { type: 'json_object' } });
  const first = async (stream: typeof free) => {
    for await (const chunk of stream) return chunk;
    throw new Error('no chunk');
  };
  const [a, b] = [await first(free), await first(kept)];
  expect(b.token).not.toBe(a.token);
  expect(b.top!.map(({ token }) => token)).toEqual(a.top!.map(({ token }) => token));
  expect(b.logprob!).toBeLessThan(a.logprob!);
});

it('keeps each chat to its own format when several run', async () => {
  const formats: ResponseFormat[] = [
    { type: 'json_schema', schema: { enum: ['a', 'b'] } },
    { type: 'json_schema', schema: { type: 'integer', minimum: 5, maximum: 7 } },
    { type: 'grammar', grammar: 'root ::= "yes" | "no"' },
    { type: 'json_schema', schema: { const: null } },
  ];
  const results = await Promise.all(
    formats.map((responseFormat) => model.chat(hello, { responseFormat, temperature: 2 }).result),
  );
  for (const [i, { text }] of results.entries())
    expect(await model.matches(text, formats[i]!), text).toBe(true);
});

it('works in sessions', async () => {
  await using session = model.session();
  const responseFormat = { type: 'json_schema' as const, schema: { type: 'boolean' } };
  for (const content of ['Is it red?', 'Is it blue?']) {
    const { parsed } = await session.chat(content, { responseFormat }).result;
    expect(typeof parsed).toBe('boolean');
  }
});

it('draws each admitted token as often as the model would', async () => {
  // Of two words that one token begins: masked and unmasked choices have to mix rightly.
  const responseFormat = { type: 'grammar' as const, grammar: 'root ::= "0" | "1" | "2"' };
  const [chunk] = await collect(
    model.chat(hello, { responseFormat, topLogprobs: 100, maxTokens: 1 }),
  );
  expect(chunk!.top!.length).toBe(100);
  const counts = { '0': 0, '1': 0, '2': 0 };
  for (let seed = 0; seed < 60; seed++) {
    const { text } = await model.chat(hello, {
      ...{ responseFormat, seed, temperature: 50, topK: 0, topP: 1 },
    }).result;
    counts[text as '0']++;
  }
  // At such a temperature all are alike: 20 each, and below 8 once in ten thousand.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(7);
});

it('refuses what cannot be kept before anything runs', () => {
  const chat = (responseFormat: unknown) => () =>
    model.chat(hello, { responseFormat: responseFormat as ResponseFormat });
  expect(chat({ type: 'json_schema', schema: { type: 'strin' } })).toThrow(
    expect.objectContaining({ code: 'ERR_SCHEMA', pointer: '', keyword: 'type' }),
  );
  for (const grammar of ['', 'root ::= root "x"', 'root ::= other', 'root ::= "a" root', 5])
    expect(chat({ type: 'grammar', grammar })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    );
  expect(chat({ type: 'xml' })).toThrow(/json_schema/);
});

it('ends a grammar that can be read in too many ways with an error', async () => {
  const grammar = 'root ::= s\ns ::= "a" s "b" | "a" s "c" | ""';
  await expect(model.matches('a'.repeat(40), { type: 'grammar', grammar })).rejects.toMatchObject({
    code: 'ERR_DECODE',
  });
});

it('masks in few steps where a text can be read in billions of ways', async () => {
  // Which of the letters are left out makes no difference, and is followed once.
  const grammar = `root ::= "<" ${'[a-z]? '.repeat(60)} ">"`;
  const options = { temperature: 1.5, topK: 0, topP: 1, seed: 3, maxTokens: 20 };
  const responseFormat = { type: 'grammar' as const, grammar };
  const { text } = await model.chat(hello, { ...options, responseFormat }).result;
  expect(text).toMatch(/^<[a-z]{1,60}>?$/);
  const wide = `root ::= ${'[a-z]? '.repeat(200)}`;
  await expect(
    model.chat(hello, { ...options, responseFormat: { type: 'grammar', grammar: wide } }).result,
  ).rejects.toMatchObject({ code: 'ERR_DECODE', message: /too many ways/ });
  const alternatives = Array.from({ length: 11_000 }, (_, i) => `"x${i}"`).join(' | ');
  await expect(
    model.matches('x1', { type: 'grammar', grammar: `root ::= ${alternatives}` }),
  ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});

describe('random schemas', () => {
  it('get no invalid answer at a high temperature', { timeout: 3_000_000 }, async () => {
    const random = randomUniform(Number(process.env.LLAVAOV_SEED ?? 5));
    const schemas = new RandomSchemas(random);
    let ended = 0;
    for (let i = 0; i < SCHEMAS; i++) {
      const schema = schemas.document();
      if (!isKept(schema)) continue;
      const { text, finishReason, parsed } = await model.chat(hello, {
        responseFormat: { type: 'json_schema', schema },
        ...{ temperature: 1.5, topK: 0, topP: 1, seed: i, maxTokens: 200 },
      }).result;
      if (finishReason !== 'stop') continue;
      ended++;
      expect(ajvJudge(schema)(parsed), `${JSON.stringify(schema)}\ngot ${text}`).not.toBe(false);
      expect(parsed).toEqual(JSON.parse(text));
      expect(await model.matches(text, { type: 'json_schema', schema })).toBe(true);
    }
    expect(ended).toBeGreaterThan(SCHEMAS / 4);
  });
});

function isKept(schema: Record<string, unknown>): boolean {
  try {
    jsonSchemaToGrammar(schema);
    return true;
  } catch {
    return false;
  }
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
