import { describe, expect, it } from 'vitest';
import type { NativeDevice } from '../../../src/binding.js';
import { chooseGpus } from '../../../src/load/device-options.js';
import { gpuMargin } from '../../../src/load/gpu-margin.js';
import { type GpuWish, planGpu } from '../../../src/load/gpu-plan.js';
import { checkGpuMemory } from '../../../src/load/gpu-shortage.js';
import { checkMemory, estimateMemory, machineMemory, takenOn } from '../../../src/load/memory.js';
import type { MemoryOptions } from '../../../src/load/memory-options.js';

const GiB = 2 ** 30;
const HEAD = 152064 * 3584 * 2;

/** The 7B model in f16, with its tower. */
const sevenB: MemoryOptions = {
  decoder: {
    ...{ nLayer: 28, nEmbd: 3584, nHead: 28, nHeadKv: 4, headDim: 128, nFfn: 18944 },
    ...{ nVocab: 152064, isTied: false, tensorBytes: 15.23e9, headBytes: HEAD, headType: 'f16' },
    layerBytes: new Array<number>(28).fill((15.23e9 - 2 * HEAD) / 28),
  },
  vision: {
    ...{ side: 27, imageSize: 384, nEmbd: 1152, nFfn: 4304, nHead: 16, nProjection: 3584 },
    pinpoints: [{ width: 2304, height: 2304 }],
    tensorBytes: 0.83e9,
  },
  contextSize: 32768,
  microBatchSize: 512,
  nOutputs: 8,
  kvType: { k: 'f16', v: 'f16' },
  flashAttention: 'auto',
  gpuTilesPerCall: 4,
};

const gpu = (free: number, name = 'GPU'): NativeDevice => ({
  ...{ name, description: '', backend: 'CUDA', type: 'gpu' },
  memoryFree: free,
  memoryTotal: free,
});

const on = (gpuLayers: number, options = sevenB, visionOnGpu = false) =>
  estimateMemory(options, { gpuLayers, visionOnGpu, gpus: [gpu(80 * GiB)], shares: [1] });

describe('estimateMemory', () => {
  it('counts the KV cache exactly', () => {
    // 28 layers × 4 heads × 128 values × (k, v) × 2 bytes per position
    expect(estimateMemory(sevenB).kvCache).toBe(32768 * 57344);
    expect(estimateMemory({ ...sevenB, contextSize: 32767 }).kvCache).toBe(32768 * 57344);
    const q8 = estimateMemory({ ...sevenB, kvType: { k: 'q8_0', v: 'f32' } });
    expect(q8.kvCache).toBe((32768 * 28 * 512 * 34) / 32 + 32768 * 28 * 512 * 4);
  });

  it('counts the features of the largest grid', () => {
    // 37 tiles × 729 × 3584 × 4 bytes, and the rows made of them
    expect(estimateMemory(sevenB).pictures).toBe(37 * 729 * 3584 * 4 * 2);
  });

  it('adds what our kernels pack, and half a MiB a thread', () => {
    const [without, ours] = [sevenB, { ...sevenB, kernelThreads: 4 }].map((o) => estimateMemory(o));
    expect(ours!.compute - without!.compute).toBe(512 * sevenB.decoder.nFfn * 4 + 4 * 2 ** 19);
    expect(ours!.vision - without!.vision).toBe(729 * 4304 * 4 + 4 * 2 ** 19);
    // On the GPU there are none of them.
    expect(on(29, { ...sevenB, kernelThreads: 4 }, true).compute).toBe(
      on(29, sevenB, true).compute,
    );
  });

  it('adds the scores of every head without flash attention', () => {
    const on = estimateMemory({ ...sevenB, flashAttention: 'on' }).compute;
    const off = estimateMemory({ ...sevenB, flashAttention: 'off' }).compute;
    expect(off - on).toBe(512 * 32768 * (29 - 0.5) * 4);
  });

  it('divides everything between host and GPU', () => {
    const cpu = estimateMemory(sevenB);
    const { weights, kvCache, compute, vision, pictures } = cpu;
    expect(cpu).toMatchObject({ gpu: 0, devices: [] });
    expect(cpu.host).toBe(weights + kvCache + compute + vision + pictures);
    const all = on(29, sevenB, true);
    expect(all.gpu).toBeCloseTo(weights - HEAD + kvCache + all.compute + all.vision);
    expect(all.host).toBeCloseTo(HEAD + pictures);
    expect(all.devices).toMatchObject([{ name: 'GPU', free: 80 * GiB, layers: 29, kvCache }]);
    expect(takenOn(all.devices[0]!)).toBe(all.gpu);
  });

  it('counts the head as the first layer on a GPU', () => {
    expect(on(1).devices[0]).toMatchObject({ layers: 1, weights: HEAD, kvCache: 0 });
    const [two] = on(2).devices;
    expect(two!.weights).toBe(HEAD + sevenB.decoder.layerBytes[27]!);
    expect(two!.kvCache).toBe(on(0).kvCache / 28);
  });

  it('counts a head that is the embedding matrix twice once it is on a GPU', () => {
    const tied = { ...sevenB, decoder: { ...sevenB.decoder, isTied: true } };
    expect(on(0, tied).weights).toBe(15.23e9);
    expect(on(1, tied).weights).toBe(15.23e9 + HEAD);
    expect(on(1, tied).host + on(1, tied).gpu).toBeGreaterThan(on(0, tied).host + HEAD);
  });

  it('counts compute buffers on every device that computes', () => {
    const gpus = [gpu(40 * GiB, 'A'), gpu(40 * GiB, 'B'), gpu(40 * GiB, 'C')];
    const placement = { gpuLayers: 29, visionOnGpu: true, gpus, shares: [1, 1, 0] };
    const { devices, compute } = estimateMemory(sevenB, placement);
    const [a, b, c] = devices;
    const logits = 8 * 152064 * 2 * 4;
    expect(b!.compute - a!.compute).toBe(logits); // the head is on the last
    expect(a!.compute + b!.compute).toBe(compute);
    expect(a!.vision).toBeGreaterThan(0.83e9);
    expect(c).toMatchObject({ layers: 0, compute: 0, vision: 0, margin: 0 });
  });

  it('counts the matrices of the CPU that the first GPU multiplies by', () => {
    const [all] = on(29).devices;
    expect(on(28).devices[0]!.compute).toBe(all!.compute + sevenB.decoder.layerBytes[0]!);
    expect(on(28).compute).toBeGreaterThan(on(29).compute + on(28).devices[0]!.compute / 2);
  });

  it('counts what flash attention converts of a cache', () => {
    const q8 = { ...sevenB, kvType: { k: 'q8_0', v: 'q8_0' } } as const;
    expect(on(29, q8).compute - on(29).compute).toBe(2 * 32768 * 512 * 2);
    const off = { ...q8, flashAttention: 'off' } as const;
    expect(on(29, off).compute).toBe(on(29, { ...sevenB, flashAttention: 'off' }).compute);
  });

  it('asks for nothing for pictures without a tower', () => {
    expect(estimateMemory({ ...sevenB, vision: null })).toMatchObject({ vision: 0, pictures: 0 });
  });
});

describe('planGpu', () => {
  const auto: GpuWish = { gpuLayers: 'auto', visionOnGpu: 'auto', tensorSplit: undefined };

  it.each([
    ['no device', [], 0, false],
    ['room for everything', [gpu(80 * GiB)], 29, true],
    ['two GPUs that hold it together', [gpu(12 * GiB), gpu(12 * GiB)], 29, true],
    ['no room at all', [gpu(0.4 * GiB)], 0, false],
    ['one of two that is full', [gpu(0.4 * GiB), gpu(24 * GiB)], 29, false],
  ])('%s', (_, devices, gpuLayers, visionOnGpu) => {
    expect(planGpu(sevenB, auto, devices)).toMatchObject({ gpuLayers, visionOnGpu });
  });

  it('moves as many layers as fit, and not one more', () => {
    const free = 10 * GiB;
    const { gpuLayers, visionOnGpu, memory } = planGpu(sevenB, auto, [gpu(free)]);
    expect(visionOnGpu).toBe(true);
    expect(gpuLayers).toBeGreaterThan(5);
    expect(gpuLayers).toBeLessThan(28);
    const need = (layers: number) => {
      const [device] = on(layers, sevenB, true).devices;
      return takenOn(device!) + device!.margin;
    };
    expect(memory.devices[0]!.margin).toBeGreaterThan(0.5 * GiB);
    expect(need(gpuLayers)).toBeLessThanOrEqual(free);
    expect(need(gpuLayers + 1)).toBeGreaterThan(free);
  });

  it('keeps every GPU within what it has', () => {
    for (let size = 2; size < 20; size++) {
      const gpus = [gpu(size * GiB, 'A'), gpu(6 * GiB, 'B'), gpu((20 - size) * GiB, 'C')];
      const chosen = chooseGpus({}, gpus);
      const { gpuLayers, memory } = planGpu(sevenB, auto, chosen.gpus);
      expect(gpuLayers).toBeGreaterThan(20);
      expect(() => checkGpuMemory(memory)).not.toThrow();
    }
  });

  it('keeps a tensor split', () => {
    const wish = { ...auto, tensorSplit: [1, 3] };
    const { shares, memory } = planGpu(sevenB, wish, [gpu(80 * GiB), gpu(80 * GiB)]);
    expect(shares).toEqual([1, 3]);
    expect(memory.devices.map(({ layers }) => layers)).toEqual([8, 21]);
  });

  it('follows the caller, within what the model has', () => {
    const devices = [gpu(80 * GiB)];
    const wish = (gpuLayers: number, visionOnGpu: GpuWish['visionOnGpu']) => {
      return { ...auto, gpuLayers, visionOnGpu };
    };
    expect(planGpu(sevenB, wish(7, false), devices)).toMatchObject({
      ...{ gpuLayers: 7, visionOnGpu: false },
    });
    expect(planGpu(sevenB, wish(999, 'auto'), devices).gpuLayers).toBe(29);
    expect(planGpu(sevenB, wish(999, true), []).gpuLayers).toBe(0);
  });
});

describe('gpuMargin', () => {
  const MiB = 2 ** 20;
  const both = { decoder: true, tower: true };

  it('is nothing where nothing computes, and never little elsewhere', () => {
    expect(gpuMargin(sevenB, gpu(0), { decoder: false, tower: false })).toBe(0);
    expect(gpuMargin(sevenB, gpu(0), { decoder: false, tower: true })).toBe(512 * MiB);
  });

  it('holds the largest matrix in f32, with what goes in and out', () => {
    const buffers = 3584 * 18944 * 4 + 512 * (3584 + 18944) * 2;
    const decoder = gpuMargin(sevenB, gpu(0), { decoder: true, tower: false });
    expect(decoder).toBeCloseTo(256 * MiB + 1.05 * buffers);
    expect(gpuMargin(sevenB, gpu(0), both)).toBeGreaterThan(decoder + 50 * MiB);
  });

  it('holds all scores without flash attention', () => {
    const off = { ...sevenB, flashAttention: 'off' } as const;
    const scores = 32768 * 28 * 512 * 2;
    expect(gpuMargin(off, gpu(0), both)).toBeGreaterThan(256 * MiB + scores);
  });

  it('holds a bf16 head in f32 on a GPU that cannot multiply bf16', () => {
    const bf16 = { ...sevenB, decoder: { ...sevenB.decoder, headType: 'bf16' } };
    const turing = { ...gpu(0), computeCapability: 7.5 };
    expect(gpuMargin(bf16, turing, both)).toBeGreaterThan(2 * HEAD);
    expect(gpuMargin(bf16, { ...turing, computeCapability: 8 }, both)).toBeLessThan(HEAD);
    expect(gpuMargin(sevenB, turing, both)).toBeLessThan(HEAD);
  });
});

describe('checkMemory', () => {
  it('passes what fits', () => {
    expect(() => checkMemory(estimateMemory(sevenB), 64 * GiB)).not.toThrow();
  });

  it('says what is needed, what there is and what to lower', () => {
    const estimate = estimateMemory(sevenB);
    expect(() => checkMemory(estimate, 8 * GiB)).toThrow(
      expect.objectContaining({
        code: 'ERR_OUT_OF_MEMORY',
        needed: estimate.host,
        available: 8 * GiB,
        message: expect.stringMatching(/KV cache 1\.75 GiB.*8\.00 GiB.*contextSize/),
      }),
    );
  });

  it('knows the memory of this machine', () => {
    expect(machineMemory()).toBeGreaterThan(2 ** 20);
    expect(machineMemory()).toBeLessThan(2 ** 50);
  });
});
