// A batch on the toy model: what is asked, what is kept, what another run does with it.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { BatchAnswer, BatchItem, BatchOptions } from '../../../src/index.js';
import { temporaryFolder } from '../../support/eval.js';
import { expectNothingHeld, fakeModel, question } from '../../support/fake-model.js';

const ABSENT = '/absent.png';
const image = (seed: number) => ({ width: 8, height: 8, data: new Uint8Array(192).fill(seed) });
const questions = (count: number): BatchItem[] =>
  Array.from({ length: count }, (_, i) => ({ id: `q${i}`, prompt: `${i}` }));

/** A model that answers with its question, and tells how often it was asked. */
async function echoing() {
  const fake = await fakeModel({ reply: (prompt) => `= ${question(prompt)}` });
  return { ...fake, asked: () => fake.binding.samplerOptions.length };
}

async function collected(batch: AsyncIterable<BatchAnswer>): Promise<BatchAnswer[]> {
  const answers: BatchAnswer[] = [];
  for await (const answer of batch) answers.push(answer);
  return answers.sort((a, b) => a.index - b.index);
}

const recordsOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const idsOf = (path: string) => recordsOf(path).map(({ id }) => id);
const refused = (problem: string) => ({
  code: 'ERR_BATCH_RESULTS',
  message: expect.stringContaining(problem),
});

it('answers every item, and records what fails', async () => {
  const fake = await echoing();
  const items = [{ id: 'a', prompt: 'one' }, ABSENT, { images: [image(1)], id: 'c' }];
  const answers = await collected(fake.model.batch(items, { prompt: 'Which?', concurrency: 2 }));
  expect(answers).toMatchObject([
    { id: 'a', index: 0, text: '= one', finishReason: 'stop' },
    { id: ABSENT, index: 1, error: { code: 'ERR_IMAGE_DECODE' } },
    { id: 'c', index: 2, usage: { visualTokens: expect.any(Number) } },
  ]);
  await expectNothingHeld(fake);
});

it('names items by path, else by what is asked, the same each time', async () => {
  const { model } = await echoing();
  const items = () => [
    ...[ABSENT, 'https://127.0.0.1:1/clip.mp4?key=1'],
    { images: [image(1)] },
    { images: [image(2)] },
    { prompt: 'text' },
    { images: [ABSENT], prompt: 'own' },
    { messages: [{ role: 'user' as const, content: 'hello' }] },
  ];
  const ids = async () =>
    (await collected(model.batch(items(), { prompt: '?' }))).map(({ id }) => id);
  const first = await ids();
  expect(first.slice(0, 2)).toEqual([ABSENT, 'https://127.0.0.1:1/clip.mp4?key=1']);
  for (const id of first.slice(2)) expect(id).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set(first).size).toBe(7);
  expect(await ids()).toEqual(first);
});

it('takes items as it goes, and lets go of them', async () => {
  const { model } = await echoing();
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  let [taken, most] = [0, 0];
  async function* pictures() {
    for (; taken < 100; taken++)
      yield {
        id: `${taken}`,
        images: [{ width: 512, height: 512, data: new Uint8Array(786_432) }],
      };
  }
  const { done } = await model.batch(pictures(), {
    ...{ prompt: '?', concurrency: 4 },
    onProgress: ({ done }) => {
      expect(taken - done).toBeLessThanOrEqual(4);
      if (done % 25 !== 0) return;
      gc();
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    },
  }).result;
  expect(done).toBe(100);
  // All of them are 79 MB.
  expect(most).toBeLessThan(30e6);
});

it('goes on where a killed run stopped, and ends with the file of a whole one', async () => {
  const { model, asked } = await echoing();
  const [whole, torn] = ['whole', 'torn'].map((name) => join(temporaryFolder(), `${name}.jsonl`));
  await model.batch(questions(20), { out: whole!, concurrency: 3 }).result;
  expect(idsOf(whole!)).toEqual(questions(20).map(({ id }) => id));
  const bytes = readFileSync(whole!);
  for (const length of [0, 1, 500, 1000, bytes.length - 1, bytes.length]) {
    writeFileSync(torn!, bytes.subarray(0, length));
    // A record that lacks only its line feed is whole.
    const kept =
      bytes
        .subarray(0, length + 1)
        .toString()
        .split('\n').length - 1;
    const before = asked();
    const progress = await model.batch(questions(20), { out: torn! }).result;
    expect(asked() - before).toBe(20 - kept);
    expect(progress).toEqual({ done: 20, asked: 20 - kept, errors: 0, repeated: 0 });
    expect(readFileSync(torn!)).toEqual(bytes);
  }
  expect(existsSync(`${torn}.lock`)).toBe(false);
});

it('keeps what the file has of others, before its own in their order', async () => {
  const { model } = await echoing();
  const out = join(temporaryFolder(), 'new/answers.jsonl');
  await model.batch(questions(3).reverse(), { out }).result;
  expect(idsOf(out)).toEqual(['q2', 'q1', 'q0']);
  await model.batch([...questions(6).slice(3).reverse(), questions(1)[0]!], { out }).result;
  expect(idsOf(out)).toEqual(['q2', 'q1', 'q5', 'q4', 'q3', 'q0']);
});

it('asks again what failed only when told to', async () => {
  const { model, asked } = await echoing();
  const out = join(temporaryFolder(), 'answers.jsonl');
  const picture = join(temporaryFolder(), 'late.png');
  const options = { out, prompt: '?' };
  expect(await model.batch([picture], options).result).toMatchObject({ asked: 1, errors: 1 });
  expect(recordsOf(out)).toMatchObject([{ id: picture, error: { code: 'ERR_IMAGE_DECODE' } }]);
  const golden = join(import.meta.dirname, '../../golden/media/d1-1.png');
  writeFileSync(picture, readFileSync(golden));
  expect(await model.batch([picture], options).result).toMatchObject({ asked: 0, errors: 1 });
  const again = { ...options, retryErrors: true };
  expect(await model.batch([picture], again).result).toMatchObject({ asked: 1, errors: 0 });
  expect(recordsOf(out)).toMatchObject([{ id: picture, text: expect.stringMatching(/^= .*\?$/s) }]);
  expect(asked()).toBe(1);
});

it('asks a repeated item once, and refuses an id for two questions', async () => {
  const { model, asked } = await echoing();
  const [one] = questions(1);
  expect(await model.batch([one!, one!, one!]).result).toMatchObject({ done: 1, repeated: 2 });
  expect(asked()).toBe(1);
  const twice = [one!, { ...one!, prompt: 'other' }];
  await expect(model.batch(twice).result).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument: 'items[1].id',
  });
});

it('goes on with no file of other questions, models, options or origin', async () => {
  const { model } = await echoing();
  const out = join(temporaryFolder(), 'answers.jsonl');
  const run = (items: BatchItem[], options: BatchOptions = {}) =>
    model.batch(items, { out, ...options }).result;
  await run(questions(2));
  await expect(run([{ id: 'q1', prompt: 'other' }])).rejects.toMatchObject(
    refused('another question as "q1"'),
  );
  for (const options of [{ maxTokens: 5 }, { temperature: 1 }, { stop: 'x' }, { seed: 1 }])
    await expect(run(questions(2), options)).rejects.toMatchObject(refused('other options'));
  await expect(run(questions(2), { format: 'csv' })).rejects.toMatchObject(refused('columns'));
  writeFileSync(`${out}.lock`, String(process.pid));
  await expect(run(questions(2))).rejects.toMatchObject(refused(`process ${process.pid}`));
  writeFileSync(`${out}.lock`, '4194999'); // nobody's
  await run(questions(2));
  appendFileSync(out, '{"mine":1}\n{}\n');
  await expect(run(questions(2))).rejects.toMatchObject(refused('{\\"mine\\":1}'));
  await expect(run(questions(2), { out: temporaryFolder() })).rejects.toMatchObject({
    code: 'ERR_WRITE',
  });
});

it('ends when its reader leaves, its signal aborts or its model goes', async () => {
  const fake = await echoing();
  for await (const { id } of fake.model.batch(questions(50))) if (id !== '') break;
  expect(fake.asked()).toBeLessThan(30);
  await expectNothingHeld(fake);
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(fake.model.batch(questions(3), { signal }).result).rejects.toBe(reason);
  const running = fake.model.batch(questions(50)).result;
  await fake.model.dispose();
  await expect(running).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

it('does nothing unread, and is read once', async () => {
  const { model, asked } = await echoing();
  const batch = model.batch(questions(2));
  await new Promise(setImmediate);
  expect(asked()).toBe(0);
  expect(await collected(batch)).toHaveLength(2);
  expect(await batch.result).toMatchObject({ done: 2 });
  await expect(collected(batch)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});

it.each<[string, unknown, object, string]>([
  ['no list', 5, {}, 'items'],
  ['a number', [5], {}, 'items[0]'],
  ['an unknown key', [{ image: 'a.png' }], {}, 'items[0].image'],
  ['no prompt', ['a.png'], {}, 'items[0].prompt'],
  ['messages and a prompt', [{ messages: [], prompt: 'x' }], {}, 'items[0]'],
  ['no messages', [{ messages: [] }], {}, 'items[0]'],
  ['an empty id', [{ id: '', prompt: 'x' }], {}, 'items[0].id'],
  ['pictures that are no list', [{ images: 'a.png', prompt: 'x' }], {}, 'items[0].images'],
  ['too much at a time', [], { concurrency: 257 }, 'concurrency'],
  ['no frames', [], { frames: 0 }, 'frames'],
  ['another format', [], { format: 'xml' }, 'format'],
  ['an unknown option', [], { concurency: 2 }, 'options.concurency'],
])('refuses %s', async (_, items, options, argument) => {
  const { model } = await echoing();
  const run = async () => model.batch(items as BatchItem[], options).result;
  await expect(run()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
});
