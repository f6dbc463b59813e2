/** Conversations on the real engine with the demo model: caches change the time, not the answers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatOptions, LoadOptions, Part } from '../../src/index.js';
import { LlavaOneVision } from '../../src/index.js';
import { readSession, writeSession } from '../../src/session/session-file.js';
import { PICTURE, runDemo } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';

let files: Awaited<ReturnType<typeof convertedFiles>>;
let folder: string;
let path: string;
beforeAll(async () => {
  files = await convertedFiles('demo', 'f16');
  folder = mkdtempSync(join(tmpdir(), 'sessions-'));
  path = join(folder, 'demo.session');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (options: Partial<LoadOptions> = {}) =>
  LlavaOneVision.load({ ...files, contextSize: 4096, threads: 1, ...options });
const GREEDY: ChatOptions = { temperature: 0, repetitionPenalty: 1, maxTokens: 40 };
const LOOK: Part[] = [
  { type: 'image', image: PICTURE },
  { type: 'text', text: 'What is shown in this image?' },
];
const QUESTIONS = [LOOK, 'What color is the background?', 'What color is the shape?'];

async function converse(options: Partial<LoadOptions>) {
  await using model = await open(options);
  const session = model.session();
  const results = [];
  for (const question of QUESTIONS) results.push(await session.chat(question, GREEDY).result);
  return results;
}

describe('a session', () => {
  it('answers the same with caches on and off, and computes only what is new', async () => {
    const cached = await converse({});
    const plain = await converse({ prefixCache: false, visualCacheBytes: 0 });
    expect(cached.map(({ text }) => text)).toEqual(plain.map(({ text }) => text));
    expect(plain.map(({ usage }) => usage.cachedTokens)).toEqual([0, 0, 0]);
    for (const [i, { usage, media, timings }] of cached.slice(1).entries()) {
      const before = cached[i]!.usage;
      expect(usage.cachedTokens).toBe(before.promptTokens + before.completionTokens - 1);
      expect(media).toMatchObject([{ cached: true }]);
      expect(timings.decodeMs + timings.encodeMs).toBe(0);
    }
  });

  it.each(['f32', 'q8_0'] as const)('goes on from a file with a %s cache', async (kvType) => {
    const expected = await converse({ kvType });
    {
      await using model = await open({ kvType });
      const session = model.session();
      await session.chat(QUESTIONS[0]!, GREEDY).result;
      await session.save(path);
    }
    await using model = await open({ kvType, contextSize: 2048 });
    const session = await model.loadSession(path);
    expect(session.isRestored).toBe(true);
    for (const i of [1, 2]) {
      const { text, usage, media } = await session.chat(QUESTIONS[i]!, GREEDY).result;
      expect(text).toBe(expected[i]!.text);
      expect(usage).toEqual(expected[i]!.usage);
      expect(media).toMatchObject([{ cached: true }]);
    }
  });

  it('goes on in a new process', async () => {
    const save = await runDemo(`
      const model = await load();
      const session = model.session();
      await session.chat(messages[0].content, { temperature: 0 }).result;
      await session.save(${JSON.stringify(path)});
      const { text } = await session.chat('What color is the shape?', { temperature: 0 }).result;
      process.stdout.write(text);
      await model.dispose();
    `);
    expect(save).toMatchObject({ status: 0, stderr: '' });
    const load = await runDemo(`
      const model = await load();
      const session = await model.loadSession(${JSON.stringify(path)});
      const { text, usage, media } =
        await session.chat('What color is the shape?', { temperature: 0 }).result;
      process.stdout.write(JSON.stringify({ text, usage, media, is: session.isRestored }));
      await model.dispose();
    `);
    expect(load.status).toBe(0);
    const { text, usage, media, is } = JSON.parse(load.stdout);
    expect({ text, is }).toEqual({ text: save.stdout, is: true });
    expect(usage.cachedTokens).toBeGreaterThan(usage.visualTokens);
    expect(media).toMatchObject([{ cached: true }]);
  });

  it.each([
    ['a cache of another type', { kvType: 'f32' as const }],
    ['other decoder weights', { files: 'q8_0' as const }],
    ['a context without room', { contextSize: 256 }],
  ])(
    'comes back as messages with %s',
    async (_, given: Partial<LoadOptions> & { files?: 'q8_0' }) => {
      const { files: type, ...options } = given;
      {
        await using model = await open();
        const session = model.session();
        await session.chat(QUESTIONS[0]!, GREEDY).result;
        await session.save(path);
      }
      const other = type ? await convertedFiles('demo', type) : files;
      await using model = await LlavaOneVision.load({
        ...other,
        contextSize: 4096,
        threads: 1,
        ...options,
      });
      const session = await model.loadSession(path);
      expect(session.isRestored).toBe(false);
      expect(session.messages).toHaveLength(2);
    },
  );
});

describe('a state that is none', () => {
  it('never crashes: it is refused, and the model answers as before', async () => {
    await using model = await open();
    const session = model.session();
    const { text } = await session.chat(QUESTIONS[0]!, GREEDY).result;
    await session.save(path);
    const { kv, ...rest } = await readSession(path);
    const { key, bytes, format } = kv!;
    const changed = (at: number, value: number) => {
      const copy = Uint8Array.from(bytes);
      new DataView(copy.buffer).setUint32(at, value, true);
      return copy;
    };
    const wordAt = (at: number) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
    const afterCells = 16 + 12 * key.length;
    const states = [
      new Uint8Array(0),
      Uint8Array.from(readFileSync(PICTURE)),
      bytes.subarray(0, 15),
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, bytes.length >> 1),
      Uint8Array.from([...bytes.subarray(0, 1000), ...bytes]),
      ...[0, 8, 12].map((at) => changed(at, 0xffffffff)),
      // The first cell: position, number of sequences; after all cells, whether values are transposed, and more.
      ...[16, 20].map((at) => changed(at, 5)),
      changed(afterCells, wordAt(afterCells) === 0 ? 1 : 0),
      ...[4, 8, 12, 16].map((at) => changed(afterCells + at, 77)),
    ];
    for (const state of states) {
      await writeSession(path, { ...rest, kv: { key, format, bytes: state } });
      const loaded = await model.loadSession(path);
      expect(loaded.isRestored).toBe(false);
      expect((await loaded.chat('And?', { ...GREEDY, maxTokens: 3 }).result).tokens).toHaveLength(
        3,
      );
    }
    const again = await model.chat([{ role: 'user', content: LOOK }], GREEDY).result;
    expect(again.text).toBe(text);
  });
});

it('forks of one conversation answer as each would alone', async () => {
  const [first] = QUESTIONS;
  const alone = async (question: string) => {
    await using model = await open({ prefixCache: false });
    const session = model.session();
    await session.chat(first!, GREEDY).result;
    return (await session.chat(question, GREEDY).result).text;
  };
  const questions = ['What color is the background?', 'What color is the shape?', 'Count to ten.'];
  const expected = [];
  for (const question of questions) expected.push(await alone(question));
  await using model = await open();
  const session = model.session();
  const { usage } = await session.chat(first!, GREEDY).result;
  const forks = questions.map((question) => {
    const fork = model.session({ messages: session.messages });
    return fork.chat(question, GREEDY).result;
  });
  const results = await Promise.all(forks);
  expect(results.map(({ text }) => text)).toEqual(expected);
  for (const result of results)
    expect(result.usage.cachedTokens).toBeGreaterThanOrEqual(
      usage.promptTokens + usage.completionTokens - 1,
    );
});

it('eight chats about one picture at once compute it once', async () => {
  await using model = await open({ contextSize: 1536 });
  const texts = ['shape', 'background', 'colour', 'number', 'corner', 'side', 'edge', 'size'];
  const ask = (noun: string) =>
    model.chat([{ role: 'user', content: [LOOK[0]!, { type: 'text', text: `What ${noun}?` }] }], {
      ...GREEDY,
      maxTokens: 8,
    }).result;
  const together = await Promise.all(texts.map(ask));
  const computed = together.map(({ usage }) => usage.promptTokens - usage.cachedTokens);
  expect(computed.filter((n) => n > 300)).toHaveLength(1);
  await using plain = await open({ prefixCache: false });
  for (const [i, noun] of texts.entries()) {
    const content = [LOOK[0]!, { type: 'text' as const, text: `What ${noun}?` }];
    const { text } = await plain.chat([{ role: 'user', content }], { ...GREEDY, maxTokens: 8 })
      .result;
    expect(together[i]!.text).toBe(text);
  }
});
