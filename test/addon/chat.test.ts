/** Chats on the real engine with the demo model: several at once, options, limits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LlavaOneVision } from '../../src/index.js';
import { demoMessages, PICTURE } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';

let files: { model: string; mmproj: string; threads: number };
let model: LlavaOneVision;
beforeAll(async () => {
  // One thread, which waits for no other: a test machine may be busy.
  files = { ...(await convertedFiles('demo', 'f16')), threads: 1 };
  model = await LlavaOneVision.load({ ...files, contextSize: 8192, maxSequences: 4 });
});
afterAll(() => model?.dispose());

const describeIt = demoMessages(1)[0]!;
const hello = [{ role: 'user' as const, content: 'Hello?' }];

it('gives the same greedy answers together as one at a time', async () => {
  const conversations = demoMessages(8);
  const options = { repetitionPenalty: 1, maxTokens: 40 };
  const alone: string[] = [];
  for (const messages of conversations)
    alone.push((await model.chat(messages, options).result).text);
  const together = await Promise.all(
    conversations.map((messages) => model.chat(messages, options).result),
  );
  expect(together.map(({ text }) => text)).toEqual(alone);
  expect(new Set(alone).size).toBeGreaterThan(3);
  expect(Math.max(...together.map(({ timings }) => timings.queueMs))).toBeGreaterThan(0);
});

it.each([
  ['f32', 'auto'],
  ['f16', 'off'],
  ['f16', 'on'],
  ['q8_0', 'auto'],
] as const)('answers alike with a %s cache and flash attention %s', async (kvType, attention) => {
  const options = { ...files, contextSize: 2048, kvType, flashAttention: attention };
  const other = await LlavaOneVision.load(options);
  expect((await other.chat(describeIt).result).text).toBe(
    (await model.chat(describeIt).result).text,
  );
  await other.dispose();
});

it('draws the same answer from the same seed, and others from others', async () => {
  // What is in the cache was rounded another way, which tips a draw now and then.
  await using plain = await LlavaOneVision.load({ ...files, contextSize: 512, prefixCache: false });
  const draw = async (seed: number) =>
    (await plain.chat(hello, { temperature: 3, topK: 0, topP: 1, seed, maxTokens: 30 }).result)
      .text;
  const [first, again] = [await draw(7), await draw(7)];
  expect(again).toBe(first);
  expect(await draw(8)).not.toBe(first);
});

it('obeys bias, stop strings and maxTokens', async () => {
  const { text, tokens } = await model.chat(describeIt).result;
  const banned = { [tokens[0]!]: Number.NEGATIVE_INFINITY };
  const other = await model.chat(describeIt, { logitBias: banned, maxTokens: 5 }).result;
  expect(other.tokens).toHaveLength(5);
  expect(other.finishReason).toBe('length');
  expect(other.tokens[0]).not.toBe(tokens[0]);
  const word = text.split(' ')[2]!;
  const stopped = await model.chat(describeIt, { stop: word }).result;
  expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(word)), finishReason: 'stop' });
});

it('a chat that uses the whole context ends with length, and the next one works', async () => {
  const small = await LlavaOneVision.load({ ...files, contextSize: 256 });
  const endless = { logitBias: { 1256: -Infinity, 1258: -Infinity } };
  const { finishReason, usage } = await small.chat(hello, endless).result;
  expect(finishReason).toBe('length');
  expect(usage.promptTokens + usage.completionTokens).toBe(256 + 1);
  expect((await small.chat(hello, { maxTokens: 3 }).result).usage.completionTokens).toBe(3);
  const { rows } = await model.render(describeIt);
  await expect(small.chat(describeIt).result).rejects.toMatchObject({
    ...{ code: 'ERR_CONTEXT_FULL', nNeeded: rows, nCtx: 256 },
  });
  await small.dispose();
});

it('many answers without a limit share a small context without a deadlock', async () => {
  const small = await LlavaOneVision.load({ ...files, contextSize: 1280, maxSequences: 3 });
  const endless = { logitBias: { 1256: -Infinity, 1258: -Infinity } };
  const results = await Promise.all([1, 2, 3, 4].map(() => small.chat(hello, endless).result));
  for (const { finishReason } of results) expect(finishReason).toBe('length');
  await small.dispose();
});

describe('bad pictures', () => {
  it.each([
    ['a missing file', '/no/such/file.png', 'ERR_IMAGE_DECODE'],
    ['an empty file', new Uint8Array(), 'ERR_IMAGE_DECODE'],
    ['no picture', Buffer.from('hello'), 'ERR_IMAGE_DECODE'],
  ])('%s is refused, and the next chat works', async (_, image, code) => {
    const content = [
      { type: 'image' as const, image },
      { type: 'text' as const, text: '?' },
    ];
    await expect(model.chat([{ role: 'user', content }]).result).rejects.toMatchObject({ code });
    expect((await model.chat(hello, { maxTokens: 2 }).result).tokens).toHaveLength(2);
  });

  it.each([
    [1, 1],
    [10000, 100],
  ])('%i × %i pixels are a picture', async (width, height) => {
    const image = { width, height, data: new Uint8Array(width * height * 3).fill(99) };
    const content = [
      { type: 'image' as const, image },
      { type: 'text' as const, text: 'Describe the image.' },
    ];
    const { finishReason } = await model.chat([{ role: 'user', content }]).result;
    expect(finishReason).toBe('stop');
  });
});

it('embed and render agree with what chat uses', async () => {
  const [rendered, [media], { usage }] = await Promise.all([
    model.render(describeIt),
    model.embed(describeIt),
    model.chat(describeIt).result,
  ]);
  expect(rendered.rows).toBe(usage.promptTokens);
  expect(rendered.media[0]!.rows).toBe(media!.rows);
  expect(usage.visualTokens).toBe(media!.rows);
  expect(media!.data.every(Number.isFinite)).toBe(true);
});

it('a decoder alone answers text', async () => {
  const alone = await LlavaOneVision.load({ model: files.model, mmproj: null, contextSize: 512 });
  const { text } = await alone.chat(hello, { maxTokens: 10 }).result;
  expect(text).toBe((await model.chat(hello, { maxTokens: 10 }).result).text);
  expect(() =>
    alone.chat([{ role: 'user', content: [{ type: 'image', image: PICTURE }] }]),
  ).toThrow(/mmproj/);
  await alone.dispose();
});

it('swapped or mixed files are refused with a clear error', async () => {
  const other = await convertedFiles('tiny384', 'f16');
  await expect(
    LlavaOneVision.load({ model: files.mmproj, mmproj: files.model }),
  ).rejects.toMatchObject({ code: 'ERR_MODEL_LOAD', path: files.mmproj });
  await expect(
    LlavaOneVision.load({ model: files.model, mmproj: other.mmproj }),
  ).rejects.toMatchObject({ code: 'ERR_MODEL_MISMATCH', modelEmbd: 256 });
});

it('the log of llama.cpp arrives when asked for', async () => {
  const lines: string[] = [];
  const log = { level: 'info' as const, write: (_: string, text: string) => void lines.push(text) };
  const loud = await LlavaOneVision.load({ ...files, contextSize: 256, log });
  await loud.dispose();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(lines.join('')).toMatch(/llama/);
});
