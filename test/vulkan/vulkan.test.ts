// A GPU backend as such, on whatever Vulkan device there is: scripts/test-vulkan.mjs runs this. Bounds are those of f16 for
// every type, because a device may multiply in f16.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backendFor } from '../../src/addon/load-addon.js';
import { LlavaOneVision, type Message } from '../../src/index.js';
import { convertedFiles, goldenCases, goldenRows, relativeError } from '../support/golden.js';

const load = async (type: 'f16' | 'f32', options: object = {}) =>
  LlavaOneVision.load({
    ...(await convertedFiles('demo', type)),
    ...{ backend: 'vulkan', dialect: 'llava-next', threads: 1, contextSize: 2048, ...options },
  });

const SAY: Message[] = [{ role: 'user', content: 'Describe everything.' }];

describe.each(['f16', 'f32'] as const)('the tower in %s', (type) => {
  let model: LlavaOneVision;
  beforeAll(async () => {
    model = await load(type, { gpuLayers: 0, visionOnGpu: true });
  });
  afterAll(() => model?.dispose());

  it.each(['corner-0', 'count-1', 'motion-0'])('%s is within the bounds of f16', async (id) => {
    const golden = goldenCases('demo').find((one) => one.id === id)!;
    const embedded = await model.embed(golden.messages);
    embedded.forEach((media, i) => {
      expect(relativeError(media.data, goldenRows(golden, i))).toBeLessThan(1e-3);
    });
  });

  it('stops between calls when told, and encodes the same afterwards', async () => {
    const { messages } = goldenCases('demo').find(({ id }) => id === 'count-1')!;
    const before = await model.embed(messages);
    const own = await load(type, { gpuLayers: 0, visionOnGpu: true, visualCacheBytes: 0 });
    const abort = new AbortController();
    const reason = new Error('enough');
    let nDone = 0;
    const onProgress = ({ stage, done }: { stage: string; done: number }) => {
      if (stage !== 'encode' || done === 0) return;
      nDone = done;
      abort.abort(reason);
    };
    const { result } = own.chat(messages, { maxTokens: 1, signal: abort.signal, onProgress });
    await expect(result).rejects.toBe(reason);
    expect(nDone).toBeGreaterThan(0);
    const after = await own.embed(messages);
    expect(after.map(({ data }) => data)).toEqual(before.map(({ data }) => data));
    await own.dispose();
  });
});

describe('the decoder', () => {
  let model: LlavaOneVision;
  beforeAll(async () => {
    model = await load('f16', { gpuLayers: 99, visionOnGpu: true });
  });
  afterAll(() => model?.dispose());

  it('answers', async () => {
    const golden = goldenCases('demo').find(({ id }) => id === 'motion-0')!;
    const options = {
      temperature: 0,
      repetitionPenalty: 1,
      maxTokens: golden.greedy.tokens.length,
    };
    expect((await model.chat(golden.messages, options).result).text).toBe(golden.greedy.text);
  });

  it('stops when told, and goes on afterwards', async () => {
    const abort = new AbortController();
    const stream = model.chat(SAY, { maxTokens: 200, signal: abort.signal });
    const reason = new Error('enough');
    const read = async () => {
      for await (const _ of stream) abort.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    expect((await model.chat(SAY, { maxTokens: 2 }).result).tokens.length).toBeGreaterThan(0);
  });

  it('is disposed of while it answers', async () => {
    const other = await load('f16', { gpuLayers: 99 });
    const stream = other.chat(SAY, { maxTokens: 200 });
    await stream[Symbol.asyncIterator]().next();
    const ended = expect(stream.result).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await other.dispose();
    await ended;
  });
});

describe('limits', () => {
  const device = () =>
    backendFor('vulkan')
      .binding.devices()
      .find(({ type }) => /gpu/.test(type))!;

  it('says what the device has', () => {
    expect(device().memoryTotal).toBeGreaterThan(2 ** 28);
    expect(device().memoryFree).toBeLessThanOrEqual(device().memoryTotal);
  });

  it('refuses what is larger than the memory, with the numbers', async () => {
    const contextSize = 2 ** 24;
    const { memoryFree } = device();
    await expect(load('f32', { contextSize, kvType: 'f32', gpuLayers: 99 })).rejects.toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
      available: expect.closeTo(memoryFree, -9),
    });
  });

  it('refuses a cache that the device cannot address in one piece', async () => {
    const { binding } = backendFor('vulkan');
    const { model: path } = await convertedFiles('demo', 'f16');
    const files = {
      ...{ path, gpuLayers: 99, mmap: true, mlock: false, vocabOnly: false },
      devices: [device().name],
    };
    const model = await binding.loadModel(files, null, null);
    const pool = new binding.ThreadPool(1);
    const options = { nCtx: 2 ** 24, nBatch: 32, nUbatch: 32, nSeqMax: 1 };
    const types = { kvTypeK: 'f16', kvTypeV: 'f16', flashAttention: 'auto' } as const;
    await expect(
      binding.createContext(model, pool, { ...options, ...types }),
    ).rejects.toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
      needed: expect.any(Number),
      available: expect.any(Number),
    });
    await model.dispose();
    await pool.dispose();
  });

  it('takes GPUs by name', async () => {
    const model = await load('f16', { gpuLayers: 1, devices: [device().name], tensorSplit: [1] });
    await model.dispose();
    await expect(load('f16', { devices: ['Vulkan99'] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(device().name),
    });
  });
});
