/** Several models in one process: they take turns on the cores, in order, and leave Node's own threads to the app. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeContext } from '../../src/binding.js';
import { LlavaOneVision } from '../../src/index.js';
import { demoMessages, demoPrelude, runDemo } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';
import {
  CONTEXT_OPTIONS,
  type OpenDecoder,
  openDecoder,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
const path = join(folder.path, 'tiny.gguf');
const decoders: OpenDecoder[] = [];
beforeAll(async () => {
  await writeTinyDecoder(path);
  const room = { nCtx: 2048, nBatch: 2048, nUbatch: 512 };
  for (let i = 0; i < 8; i++) decoders.push(await openDecoder(path, room));
});
afterAll(async () => {
  for (const decoder of decoders) await decoder.dispose();
  folder.remove();
});

/** Reads a prompt of `n` ids anew: 2,000 take a noticeable time. */
async function read({ context }: OpenDecoder, n: number): Promise<void> {
  context.removePositions(0, 0);
  await context.step([{ sequence: 0, position: 0, data: new Int32Array(n), sampler: null }]);
}
const LONG = 2000;

describe('work in line', () => {
  it("leaves an app's files their threads, however many models compute", async () => {
    let done = 0;
    const work = decoders.map((decoder) => read(decoder, LONG).then(() => done++));
    await readFile(import.meta.filename);
    // With a thread of Node's for each, the file would come after five of them.
    expect(done).toBeLessThan(4);
    await Promise.all(work);
  });

  it('comes in turn: a model with short steps gets as many as one with long steps', async () => {
    const [long, short] = decoders as [OpenDecoder, OpenDecoder];
    const counts = [0, 0];
    const loop = async (i: number, step: () => Promise<void>) => {
      while (Math.max(...counts) < 10) {
        await step();
        counts[i]!++;
      }
    };
    await Promise.all([loop(0, () => read(long, 500)), loop(1, () => read(short, 1))]);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(9);
  });

  it('can be withdrawn until it begins', async () => {
    const [busy, waiting] = decoders as [OpenDecoder, OpenDecoder];
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    await read(waiting, 5);
    const work = read(busy, LONG).then(note('busy'));
    const slice = { sequence: 0, position: 5, data: Int32Array.of(1), sampler: null };
    const step = waiting.context.step([slice]);
    const cancelled = expect(step).rejects.toMatchObject({ code: 'ERR_CANCELLED' });
    waiting.context.withdraw();
    await cancelled.then(note('cancelled'));
    await work;
    expect(order).toEqual(['cancelled', 'busy']);
    // Nothing was decoded, and what has run cannot be withdrawn.
    const again = waiting.context.step([slice]);
    await again;
    waiting.context.withdraw();
    await waiting.context.step([{ ...slice, position: 6 }]);
  });

  it('is disposed of with its handle after it has run', async () => {
    const [busy] = decoders as [OpenDecoder];
    const other = await openDecoder(path);
    const work = read(busy, LONG);
    const step = read(other, 5);
    await other.dispose();
    await step;
    await work;
  });
});

it('a model with a pool of its own does not wait for its turn, and computes the same', async () => {
  const [busy] = decoders as [OpenDecoder];
  const pool = new (native().ThreadPool)(1, true);
  const context = await native().createContext(busy.model, pool, CONTEXT_OPTIONS);
  const first = async (own: NativeContext) => {
    const data = Int32Array.from({ length: 20 }, (_, i) => i);
    const sampler = busy.sampler({ nTop: 5 });
    const [sample] = await own.step([{ sequence: 1, position: 0, data, sampler }]);
    own.removePositions(1, 0);
    return sample!;
  };
  let isOver = false;
  const work = decoders.map((decoder) => read(decoder, LONG));
  const all = Promise.all(work).then(() => {
    isOver = true;
  });
  const beside = await first(context);
  expect(isOver).toBe(false);
  await all;
  expect(beside).toEqual(await first(busy.context));
  for (const handle of [context, pool]) await handle.dispose();
});

/** Threads of this process; only Linux lists them. */
const countThreads = () => readdirSync('/proc/self/task').length;

it.skipIf(process.platform !== 'linux')('one pool serves all models', async () => {
  const { ThreadPool } = native();
  const before = countThreads();
  const pools = Array.from({ length: 5 }, () => new ThreadPool(9));
  expect(countThreads() - before).toBe(8);
  for (const pool of pools.slice(1)) await pool.dispose();
  expect(countThreads() - before).toBe(8);
  await pools[0]!.dispose();
  expect(countThreads()).toBe(before);
  const own = [new ThreadPool(9, true), new ThreadPool(9, true)];
  expect(countThreads() - before).toBe(16);
  for (const pool of own) await pool.dispose();
});

describe('two models at once', () => {
  const models: LlavaOneVision[] = [];
  beforeAll(async () => {
    const files = await convertedFiles('demo', 'f16');
    for (const threads of [1, 2])
      models.push(await LlavaOneVision.load({ ...files, contextSize: 4096, threads }));
  });
  afterAll(async () => {
    for (const model of models) await model.dispose();
  });

  it('give the same answers as one alone', async () => {
    const conversations = demoMessages(4);
    const options = { maxTokens: 40 };
    const alone: string[] = [];
    for (const messages of conversations)
      alone.push((await models[0]!.chat(messages, options).result).text);
    const together = await Promise.all(
      models.map((model) =>
        Promise.all(conversations.map((messages) => model.chat(messages, options).result)),
      ),
    );
    for (const results of together) expect(results.map(({ text }) => text)).toEqual(alone);
    expect(new Set(alone).size).toBeGreaterThan(1);
  });
});

it('the process can exit while a worker thread computes', async () => {
  const script = `
    const { Worker } = await import('node:worker_threads');
    const source = ${JSON.stringify(`
      import { parentPort } from 'node:worker_threads';
      ${await demoPrelude()}
      const model = await load();
      for await (const { text } of model.chat(messages, endless)) parentPort.postMessage(text);
    `)};
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
    const model = await load();
    worker.once('message', () => {
      model.chat(messages, endless).result;
      setTimeout(() => process.exit(7), 100);
    });
  `;
  expect(await runDemo(script)).toMatchObject({ status: 7, signal: null, stderr: '' });
});
