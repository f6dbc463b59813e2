/** Loading: what is decided, reported, refused, and given back when it fails. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { groupLimits } from '../../../src/addon/cgroup.js';
import { LlavaOneVision } from '../../../src/index.js';
import { loadEngine } from '../../../src/load/load-engine.js';
import {
  type LoadOptions,
  type LoadProgress,
  resolveLoadOptions,
} from '../../../src/load/load-options.js';
import { planLoad, readModelFiles } from '../../../src/load/load-plan.js';
import { type FakeBindingOptions, fakeAddon, fakeBinding } from '../../support/fake-binding.js';
import { fakeFiles, fakeModel } from '../../support/fake-model.js';
import { decoderGguf, ggufBytes } from '../../support/gguf.js';
import { mmprojGguf, mmprojSizes } from '../../support/mmproj.js';
import { nativeError } from '../../support/native-error.js';

vi.mock('../../../src/addon/cgroup.js');
beforeEach(() => {
  vi.spyOn(os, 'availableParallelism').mockReturnValue(8);
  vi.mocked(groupLimits).mockReturnValue({ cpus: Infinity, memory: Infinity });
});

function plan(options: Partial<LoadOptions> = {}, fake: FakeBindingOptions = {}) {
  const settings = resolveLoadOptions({ model: 'model.gguf', ...options });
  return planLoad(fakeFiles(), settings, fakeAddon(fakeBinding(fake), fake.backend));
}

const GPU = {
  ...{ name: 'GPU0', description: '', backend: 'CUDA', type: 'gpu' as const },
  ...{ memoryFree: 2 ** 36, memoryTotal: 2 ** 36 },
};

describe('the plan', () => {
  it.each([
    [{}, { contextSize: 4096, threads: 3, dialect: 'llava-next', gpuLayers: 0 }],
    [
      { contextSize: 99, threads: 2, dialect: 'transformers' as const },
      { contextSize: 99, threads: 2, dialect: 'transformers' },
    ],
    [{}, { flashAttention: 'off', microBatchSize: 128, visionOnGpu: false }],
    [{ kvType: 'q8_0' as const }, { flashAttention: 'on', microBatchSize: 512 }],
    [{ flashAttention: 'on' as const }, { flashAttention: 'on', microBatchSize: 512 }],
    [{ batchSize: 32 }, { microBatchSize: 32 }],
    [{ microBatchSize: 300 }, { microBatchSize: 300 }],
  ])('%j on a CPU', (options, expected) => {
    expect(plan(options)).toMatchObject(expected);
  });

  it.each([
    // CPUs by affinity and by time limit, what is asked for, what is used; the fake machine has 3 cores.
    [8, Infinity, undefined, 3],
    [8, 2.5, undefined, 2],
    [8, 0.5, undefined, 1],
    [8, Infinity, 8, 8],
    [8, Infinity, 64, 8],
    [8, 2.5, 64, 3],
    [1, 0.5, 2, 1],
  ])('of %s CPUs with time for %s: %s threads asked for, %s used', (cpus, time, threads, used) => {
    vi.mocked(os.availableParallelism).mockReturnValue(cpus);
    vi.mocked(groupLimits).mockReturnValue({ cpus: time, memory: Infinity });
    const { notes, ...planned } = plan({ threads });
    expect(planned.threads).toBe(used);
    const said = `threads: ${used} instead of ${threads}, since this process may use ${used} CPU`;
    expect(notes).toEqual((threads ?? 0) > used ? [expect.stringContaining(said)] : []);
  });

  it('uses a GPU that is there', () => {
    expect(plan({}, { devices: [GPU], backend: 'cuda' })).toMatchObject({
      ...{ gpuLayers: 3, visionOnGpu: true, flashAttention: 'auto', microBatchSize: 512 },
      backend: { name: 'cuda', reason: 'it is a test' },
    });
  });

  it("counts no other backend's devices of the same addon", () => {
    const other = { ...GPU, name: 'Vulkan0', backend: 'Vulkan' };
    const { gpus } = plan({}, { devices: [GPU, other], backend: 'cuda' });
    expect(gpus.map(({ name }) => name)).toEqual(['GPU0']);
    expect(plan({}, { devices: [GPU, other], backend: 'cpu' }).gpuLayers).toBe(0);
  });

  it('has no flash attention for an f32 cache on a GPU, as the addon', () => {
    const cuda = { devices: [GPU], backend: 'cuda' as const };
    expect(plan({ kvType: 'f32' }, cuda)).toMatchObject({
      ...{ gpuLayers: 3, flashAttention: 'off', microBatchSize: 128 },
    });
    expect(plan({ kvType: { k: 'f32', v: 'q8_0' } }, cuda).flashAttention).toBe('auto');
  });

  it('refuses a quantised cache for heads it does not fit', () => {
    const files = fakeFiles();
    files.decoder.headDim = 48;
    const settings = resolveLoadOptions({ model: 'm', kvType: 'q8_0' });
    expect(() => planLoad(files, settings, fakeAddon(fakeBinding()))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'kvType' }),
    );
  });
});

describe('a GPU that nothing fits on', () => {
  const FULL = { ...GPU, memoryFree: 2 ** 28 };
  const full = { devices: [FULL], backend: 'cuda' as const };

  it('that was asked for is an error with the sum', () => {
    expect(() => plan({ backend: 'cuda' }, full)).toThrow(
      expect.objectContaining({
        ...{ code: 'ERR_OUT_OF_MEMORY', device: 'GPU0', available: 2 ** 28 },
        needed: expect.any(Number),
        devices: [expect.objectContaining({ name: 'GPU0', layers: 1, weights: 400 })],
        message: expect.stringMatching(/Nothing.*GPU0 has 0\.25 GiB free.*to be left free 0\.50/),
      }),
    );
  });

  it('is not asked for layers, but for the tower', () => {
    expect(() => plan({ backend: 'cuda', gpuLayers: 0 }, full)).toThrow(/vision tower.*left free/);
    const onCpu = { backend: 'cuda', gpuLayers: 0, visionOnGpu: false } as const;
    expect(plan(onCpu, full)).toMatchObject({ gpuLayers: 0, backend: { name: 'cuda' } });
  });

  it('and that was found by itself leaves the CPU, which the reason tells', () => {
    const { backend, gpus, memory } = plan({}, full);
    expect(backend.name).toBe('cpu');
    expect(backend.reason).toMatch(/it is a test; but GPU0 has 0\.25 GiB free/);
    expect(gpus).toEqual([]);
    expect(memory).toMatchObject({ gpu: 0, devices: [] });
  });

  it('is left out where others have room', () => {
    const devices = [FULL, { ...GPU, name: 'GPU1' }];
    const { gpus, gpuLayers } = plan({ backend: 'cuda' }, { devices, backend: 'cuda' });
    expect([gpus.map(({ name }) => name), gpuLayers]).toEqual([['GPU1'], 3]);
  });
});

describe('a GPU that the addon was not compiled for', () => {
  const problem = 'it is too old';
  const old = { devices: [{ ...GPU, problem }], backend: 'cuda' as const };

  it('that was asked for is an error', () => {
    expect(() => plan({ backend: 'cuda' }, old)).toThrow(
      expect.objectContaining({
        ...{ code: 'ERR_BACKEND_UNAVAILABLE', backend: 'cuda', missing: 'device' },
        message: expect.stringContaining('GPU0: it is too old'),
      }),
    );
    expect(() => plan({ devices: ['GPU0'] }, old)).toThrow(
      expect.objectContaining({
        ...{ code: 'ERR_INVALID_ARGUMENT', argument: 'devices' },
        message: expect.stringContaining('GPU0: it is too old'),
      }),
    );
  });

  it('and that was found by itself gets nothing, which the reason tells', () => {
    const { backend, gpuLayers } = plan({}, old);
    expect([backend.name, gpuLayers]).toEqual(['cpu', 0]);
    expect(backend.reason).toContain('GPU0: it is too old');
  });
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

it('passes the plan to the addon', async () => {
  const { model, binding } = await fakeModel({}, { kvType: { k: 'f32', v: 'f16' }, batchSize: 64 });
  expect(binding.contextOptions).toEqual({
    ...{ nCtx: 4096, nBatch: 64, nUbatch: 64, nSeqMax: 8 + 8, kvTypeK: 'f32', kvTypeV: 'f16' },
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

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llava-load-'));
  const file = (name: string, bytes: Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  afterAll(() => rmSync(folder, { recursive: true }));
  const decoder = file('decoder.gguf', ggufBytes(decoderGguf()));

  const mmproj = file('mmproj.gguf', ggufBytes(mmprojGguf()));

  it('that do not belong together are refused with both widths', async () => {
    const settings = resolveLoadOptions({ model: decoder, mmproj });
    await expect(readModelFiles(settings)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_MISMATCH', mmprojEmbd: mmprojSizes.nProjection, modelEmbd: 8 },
    });
  });

  it('that are swapped are named as such', async () => {
    const settings = resolveLoadOptions({ model: mmproj, mmproj: decoder });
    await expect(readModelFiles(settings)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_LOAD', message: expect.stringMatching(/expected the decoder/) },
    });
  });

  it('the decoder as mmproj is named as such', async () => {
    const settings = resolveLoadOptions({ model: decoder, mmproj: decoder });
    await expect(readModelFiles(settings)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_LOAD', path: decoder, message: expect.stringMatching(/mmproj/) },
    });
  });

  it('load rejects for a missing file and for bad options, before it needs the addon', async () => {
    await expect(LlavaOneVision.load({ model: join(folder, 'none.gguf') })).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
    });
    await expect(LlavaOneVision.load({} as LoadOptions)).rejects.toMatchObject({
      ...{ code: 'ERR_INVALID_ARGUMENT', argument: 'model' },
    });
    await expect(
      LlavaOneVision.load({ model: decoder, signal: AbortSignal.abort('no') }),
    ).rejects.toBe('no');
  });
});
