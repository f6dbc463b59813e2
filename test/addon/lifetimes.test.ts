import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backendFor } from '../../src/addon/load-addon.js';
import { runChild } from '../support/child.js';
import { memoryTest } from '../support/skip-unless.js';
import {
  CONTEXT_OPTIONS,
  GREEDY,
  modelOptions,
  openDecoder,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
const path = join(folder.path, 'tiny.gguf');
beforeAll(() => writeTinyDecoder(path));
afterAll(folder.remove);

describe('garbage collection', () => {
  it('frees nothing that is in use', () => {
    const script = `
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      const collect = async () => { for (let i = 0; i < 5; i++) { gc(); await turn(); } };
      let { context } = await open();            // model and pool are unreachable
      await collect();
      await longStep(context);
      context.removePositions(0, 0);
      const working = longStep(context);
      context = undefined;                       // and now the context, at work
      await collect();
      await working;
      await load().then(() => {});               // never used
      await collect();
      console.log('done');
    `;
    const result = runChild(script, path, { flags: ['--expose-gc'] });
    expect(result).toMatchObject({ status: 0, stdout: 'done\n', stderr: '' });
  });

  it('gives memory back', memoryTest, () => {
    const script = `
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      const rounds = async (n) => {
        for (let i = 0; i < n; i++) {
          await longStep((await open()).context);
          gc();
          await turn();
        }
        return process.memoryUsage().rss / 1e6;
      };
      const before = await rounds(20);
      console.log((await rounds(40)) - before < 30 ? 'flat' : 'grows');
    `;
    const result = runChild(script, path, { flags: ['--expose-gc'] });
    expect(result).toMatchObject({ status: 0, stdout: 'flat\n', stderr: '' });
  });
});

describe('a process ends cleanly', () => {
  it.each([
    ['when left alone in a step', 'longStep((await open()).context);', 0],
    ['by process.exit in a step', 'longStep((await open()).context); process.exit(7);', 7],
    ['by process.exit in a load', 'load(); process.exit(7);', 7],
    [
      'by process.reallyExit in a step, of which nobody is told',
      `longStep((await open()).context);
       await new Promise((resolve) => setTimeout(resolve, 30));
       process.reallyExit(7);`,
      7,
    ],
    ['by process.reallyExit in a load', 'load(); process.reallyExit(7);', 7],
    ['by process.exit while disposing', '(await open()).context.dispose(); process.exit(7);', 7],
    [
      'with what is disposed of too late',
      `const { context } = await open(); process.on('exit', () => context.dispose());`,
      0,
    ],
    [
      'by process.exit with progress and log callbacks',
      `binding.setLog('debug', () => {});
       binding.loadModel(modelOptions, null, () => {}); setImmediate(() => process.exit(7));`,
      7,
    ],
    [
      'by an exception in a step',
      `process.on('uncaughtException', () => process.exit(7));
       const { context } = await open(); longStep(context); throw new Error('x');`,
      7,
    ],
  ])('%s', (_, script, status) => {
    expect(runChild(script, path)).toMatchObject({ status, signal: null, stderr: '' });
  });
});

describe('static objects of llama.cpp, which the first load makes', () => {
  it('are there for loads that exit() finds under way', () => {
    const script = `
      await Promise.race(Array.from({ length: 40 }, load));
      process.reallyExit(7);
    `;
    for (let i = 0; i < 5; i++)
      expect(runChild(script, path)).toMatchObject({ status: 7, signal: null, stderr: '' });
  });
});

describe('worker threads', () => {
  const workerScript = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { path, addon, modelOptions, contextOptions, greedy, forever } = workerData;
    const binding = require(addon);
    (async () => {
      binding.setLog('debug', () => {});
      if (forever) parentPort.postMessage('started');
      do {
        const model = await binding.loadModel(modelOptions, null, () => {});
        const pool = new binding.ThreadPool(1);
        const context = await binding.createContext(model, pool, contextOptions);
        const sampler = new binding.Sampler(model, greedy);
        const tokens = [];
        let data = Int32Array.from({ length: 100 }, (_, i) => i);
        for (let position = 0; position < 150; position += data.length, data = Int32Array.of(tokens.at(-1))) {
          const [sample] = await context.step([{ sequence: 0, position, data, sampler }]);
          tokens.push(sample.token);
        }
        if (!forever) parentPort.postMessage(tokens);
      } while (forever);
    })();
  `;

  function start(forever: boolean): Worker {
    const workerData = {
      ...{ path, addon: backendFor('cpu').info.file, modelOptions: modelOptions(path), forever },
      ...{ contextOptions: CONTEXT_OPTIONS, greedy: GREEDY },
    };
    return new Worker(workerScript, { eval: true, workerData });
  }

  const message = (worker: Worker) =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });

  it('work side by side with each other and the main thread', async () => {
    const workers = [start(false), start(false)];
    const prompt = Int32Array.from({ length: 100 }, (_, i) => i);
    const decoder = await openDecoder(path);
    const slices = [{ sequence: 0, position: 0, data: prompt, sampler: decoder.sampler() }];
    const [sample] = await decoder.context.step(slices);
    const answers = await Promise.all(workers.map(message));
    expect(answers[0]).toEqual(answers[1]);
    expect((answers[0] as number[])[0]).toBe(sample!.token);
    await Promise.all(workers.map((worker) => worker.terminate()));
    await decoder.dispose();
  });

  it('can be terminated in the middle of a load or a step', async () => {
    for (let delay = 0; delay < 30; delay += 2) {
      const worker = start(true);
      await message(worker);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await worker.terminate();
    }
    await (await openDecoder(path)).dispose();
  });
});
