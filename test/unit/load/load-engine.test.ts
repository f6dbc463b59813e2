/** Loading: what is passed on, reported, refused, and given back when it fails. */
import os from 'node:os';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { groupLimits } from '../../../src/addon/cgroup.js';
import { loadEngine } from '../../../src/load/load-engine.js';
import {
  type LoadOptions,
  type LoadProgress,
  resolveLoadOptions,
} from '../../../src/load/load-options.js';
import { planLoad } from '../../../src/load/load-plan.js';
import { type FakeBindingOptions, fakeAddon, fakeBinding } from '../../support/fake-binding.js';
import { fakeFiles, fakeModel } from '../../support/fake-model.js';
import { GPU } from '../../support/load-plan.js';
import { nativeError } from '../../support/native-error.js';

vi.mock('../../../src/addon/cgroup.js');

beforeEach(() => {
  vi.spyOn(os, 'availableParallelism').mockReturnValue(8);
  vi.mocked(groupLimits).mockReturnValue({ cpus: Infinity, memory: Infinity });
});

describe('several GPUs', () => {
  const devices = [GPU, { ...GPU, name: 'GPU1' }];
  const load = async (options: Partial<LoadOptions>) => {
    const { model, binding } = await fakeModel({ devices, backend: 'cuda' }, options);
    const { devices: names, tensorSplit } = binding.modelOptions!;
    await model.dispose();
    return { names, tensorSplit, memory: model.info.memory };
  };

  it('get layers by the room they have, the first having the tower', async () => {
    const { names, tensorSplit, memory } = await load({});
    expect(names).toEqual(['GPU0', 'GPU1']);
    expect(tensorSplit![0]).toBeLessThan(tensorSplit![1]!);
    expect(memory.devices.map(({ layers }) => layers)).toEqual([2, 1]);
    expect(memory.devices[0]!.vision).toBeGreaterThan(0);
    expect(memory.devices[1]!.vision).toBe(0);
  });

  it('are shared and ordered as the caller says', async () => {
    const { names, tensorSplit, memory } = await load({
      ...{ devices: ['GPU0', 'GPU1'], tensorSplit: [3, 0], mainDevice: 'GPU1' },
    });
    expect(names).toEqual(['GPU1', 'GPU0']);
    expect(tensorSplit).toEqual(Float32Array.of(0, 3));
    expect(memory.devices.map(({ layers }) => layers)).toEqual([0, 3]);
    expect(memory.devices[0]!.vision).toBeGreaterThan(0);
  });
});

it('reports memory first, then progress that only grows', async () => {
  const seen: LoadProgress[] = [];
  const { model } = await fakeModel({}, { onProgress: (progress) => void seen.push(progress) });
  expect(seen[0]).toMatchObject({ stage: 'memory', fraction: 0, memory: { weights: 1000 } });
  expect([...new Set(seen.map(({ stage }) => stage))]).toEqual([
    ...['memory', 'decoder', 'context', 'vision'],
  ]);
  const fractions = seen.map(({ fraction }) => fraction);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
  await model.dispose();
});

it('says that the system refuses to lock memory', async () => {
  const { model } = await fakeModel({ lockRefusal: 'failed to mlock' }, { useMlock: true });
  expect(model.info.notes).toEqual([expect.stringMatching(/^useMlock: .*failed to mlock.*ulimit/)]);
  await model.dispose();
});

it('passes the plan to the addon', async () => {
  const { model, binding } = await fakeModel(
    {},
    { kvType: { k: 'f32', v: 'f16' }, batchSize: 64, lookup: 5 },
  );
  expect(binding.contextOptions).toEqual({
    ...{
      nCtx: 4096,
      nBatch: 64,
      nUbatch: 64,
      nSeqMax: 8 + 8,
      nOutputs: 16 + 5,
      kvTypeK: 'f32',
      kvTypeV: 'f16',
    },
    flashAttention: 'off',
    adapterScales: new Float32Array(),
  });
  await model.dispose();
});

it.each([
  [{ maxSequences: 3 }, 3, 11],
  [{ maxSequences: 3, prefixCache: false }, 3, 3],
  [{ maxSequences: 256 }, 256, 256],
])('has ids for chats and for kept prefixes: %j', async (options, maxSequences, nSeqMax) => {
  const { model, binding } = await fakeModel({}, options);
  expect(binding.contextOptions!.nSeqMax).toBe(nSeqMax);
  expect(model.info.maxSequences).toBe(maxSequences);
  await model.dispose();
});

it.each([
  ['CUDA', true],
  ['Vulkan', false],
])('looks at what is left after a load, on %s', async (name, isRefused) => {
  const device = { ...GPU, backend: name };
  const onLoad = () => {
    device.memoryFree = 2 ** 27;
  };
  const fake = fakeBinding({ devices: [device], onLoad });
  const settings = resolveLoadOptions({ model: 'model.gguf' });
  const files = fakeFiles();
  const addon = fakeAddon(fake, name === 'CUDA' ? 'cuda' : 'vulkan');
  const loading = loadEngine(files, planLoad(files, settings, addon), { settings, binding: fake });
  if (!isRefused) return expect(loading).resolves.toBeDefined();
  await expect(loading).rejects.toMatchObject({
    ...{ code: 'ERR_OUT_OF_MEMORY', device: 'GPU0', available: 2 ** 27, needed: 2 ** 28 },
  });
  expect(fake.alive).toEqual([]);
});

describe('the log', () => {
  it('is left alone unless asked for', async () => {
    const { model, binding } = await fakeModel();
    expect(binding.log).toBeUndefined();
    await model.dispose();
  });

  it('arrives through the callback, whose errors do not', async () => {
    const lines: string[] = [];
    const write = (level: string, text: string) => {
      lines.push(`${level}: ${text}`);
      throw new Error('mine');
    };
    const { model, binding } = await fakeModel({}, { log: { level: 'info', write } });
    expect(binding.log!.level).toBe('info');
    expect(() => binding.log!.write!('warn', 'hm')).not.toThrow();
    expect(lines).toEqual(['warn: hm']);
    await model.dispose();
  });
});

describe('a load that ends early gives everything back', () => {
  async function failingLoad(fake: FakeBindingOptions, options: Partial<LoadOptions>) {
    const binding = fakeBinding(fake);
    const settings = resolveLoadOptions({ model: 'model.gguf', contextSize: 512, ...options });
    const files = fakeFiles();
    const loading = loadEngine(files, planLoad(files, settings, fakeAddon(binding, fake.backend)), {
      settings,
      binding,
    });
    return { binding, loading };
  }

  it.each(['memory', 'decoder', 'context', 'vision'])(
    'when onProgress throws at stage %s',
    async (stage) => {
      const onProgress = (progress: LoadProgress) => {
        if (progress.stage === stage) throw new Error('mine');
      };
      const { binding, loading } = await failingLoad({}, { onProgress });
      await expect(loading).rejects.toThrow('mine');
      expect(binding.alive).toEqual([]);
    },
  );

  it.each(['memory', 'decoder', 'context'])('when cancelled at stage %s', async (stage) => {
    const controller = new AbortController();
    const onProgress = (progress: LoadProgress) => {
      if (progress.stage === stage) controller.abort('mine');
    };
    const { signal } = controller;
    const { binding, loading } = await failingLoad({}, { onProgress, signal });
    await expect(loading).rejects.toBe('mine');
    expect(binding.alive).toEqual([]);
  });

  it('when the addon fails, children first', async () => {
    const { binding, loading } = await failingLoad({}, {});
    binding.loadVisionEncoder = async () => {
      throw nativeError('ERR_MODEL_LOAD', { path: 'mmproj.gguf' });
    };
    await expect(loading).rejects.toMatchObject({
      ...{ name: 'LlavaError', code: 'ERR_MODEL_LOAD', path: 'mmproj.gguf' },
    });
    expect(binding.disposed).toEqual(['context', 'model', 'pool']);
  });
});

it('refuses what no memory can hold, before it takes any', async () => {
  const files = fakeFiles();
  files.decoder.tensorBytes = 1e18;
  const binding = fakeBinding();
  const settings = resolveLoadOptions({ model: 'model.gguf' });
  const loading = loadEngine(files, planLoad(files, settings, fakeAddon(binding)), {
    settings,
    binding,
  });
  await expect(loading).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
  expect(binding.disposed).toEqual([]);
});

it('refuses layers that leave CUDA no room to compute, though they would fit', async () => {
  const devices = [{ ...GPU, memoryFree: 2 ** 29 }];
  const loading = fakeModel({ devices, backend: 'cuda' }, { gpuLayers: 1, visionOnGpu: false });
  await expect(loading).rejects.toMatchObject({
    ...{ code: 'ERR_OUT_OF_MEMORY', device: 'GPU0', available: 2 ** 29 },
    message: expect.stringContaining('Lower gpuLayers'),
  });
});
