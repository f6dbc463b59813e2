import { describe, expect, it } from 'vitest';
import type { NativeDevice } from '../../src/binding.js';
import {
  checkMemory,
  estimateMemory,
  type MemoryOptions,
  machineMemory,
  planGpu,
} from '../../src/memory.js';

const GiB = 2 ** 30;

/** The 7B model in f16, with its tower. */
const sevenB: MemoryOptions = {
  decoder: {
    ...{ nLayer: 28, nEmbd: 3584, nHead: 28, nHeadKv: 4, headDim: 128, nFfn: 18944 },
    ...{ nVocab: 152064, tensorBytes: 15.23e9 },
  },
  vision: {
    ...{ side: 27, imageSize: 384, nEmbd: 1152, nFfn: 4304, nHead: 16, nProjection: 3584 },
    pinpoints: [{ width: 2304, height: 2304 }],
    tensorBytes: 0.83e9,
  },
  contextSize: 32768,
  microBatchSize: 512,
  maxSequences: 8,
  kvType: { k: 'f16', v: 'f16' },
  flashAttention: 'auto',
  gpuLayers: 0,
  visionOnGpu: false,
};

const gpu = (free: number, type: NativeDevice['type'] = 'gpu'): NativeDevice => ({
  ...{ name: 'GPU', description: '', backend: 'CUDA', type },
  memoryFree: free,
  memoryTotal: free,
});

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

  it('adds the scores of every head without flash attention', () => {
    const on = estimateMemory({ ...sevenB, flashAttention: 'on' }).compute;
    const off = estimateMemory({ ...sevenB, flashAttention: 'off' }).compute;
    expect(off - on).toBe(512 * 32768 * (29 - 0.5) * 4);
  });

  it('divides everything between host and GPU', () => {
    const cpu = estimateMemory(sevenB);
    const { weights, kvCache, compute, vision, pictures } = cpu;
    expect(cpu.gpu).toBe(0);
    expect(cpu.host).toBe(weights + kvCache + compute + vision + pictures);
    const all = estimateMemory({ ...sevenB, gpuLayers: 29, visionOnGpu: true });
    expect(all.gpu).toBeCloseTo(weights + kvCache + compute + all.vision, -3);
    const half = estimateMemory({ ...sevenB, gpuLayers: 14 });
    expect(half.gpu).toBeGreaterThan(0.4 * (weights + kvCache));
    expect(half.gpu).toBeLessThan(0.55 * (weights + kvCache));
  });

  it('asks for nothing for pictures without a tower', () => {
    expect(estimateMemory({ ...sevenB, vision: null })).toMatchObject({ vision: 0, pictures: 0 });
  });
});

describe('planGpu', () => {
  const auto = { gpuLayers: 'auto', visionOnGpu: 'auto' } as const;

  it.each([
    ['no device', [], 0, false],
    ['only an accelerator', [gpu(80 * GiB, 'accel')], 0, false],
    ['room for everything', [gpu(80 * GiB)], 29, true],
    ['two GPUs that hold it together', [gpu(12 * GiB), gpu(12 * GiB)], 29, true],
    ['no room at all', [gpu(0.4 * GiB)], 0, false],
    ['an integrated GPU beside a discrete one', [gpu(80 * GiB, 'igpu'), gpu(0)], 0, false],
    ['an integrated GPU alone', [gpu(80 * GiB, 'igpu')], 29, true],
  ])('%s', (_, devices, gpuLayers, visionOnGpu) => {
    expect(planGpu(sevenB, auto, devices)).toEqual({ gpuLayers, visionOnGpu });
  });

  it('moves as many layers as fit, and not one more', () => {
    const free = 10 * GiB;
    const plan = planGpu(sevenB, auto, [gpu(free)]);
    expect(plan.visionOnGpu).toBe(true);
    expect(plan.gpuLayers).toBeGreaterThan(5);
    expect(plan.gpuLayers).toBeLessThan(28);
    const need = (gpuLayers: number) => estimateMemory({ ...sevenB, ...plan, gpuLayers }).gpu;
    expect(need(plan.gpuLayers)).toBeLessThanOrEqual(free - 0.5 * GiB);
    expect(need(plan.gpuLayers + 1)).toBeGreaterThan(free - 0.5 * GiB);
  });

  it('follows the caller, within what the model has', () => {
    const devices = [gpu(80 * GiB)];
    expect(planGpu(sevenB, { gpuLayers: 7, visionOnGpu: false }, devices)).toEqual({
      ...{ gpuLayers: 7, visionOnGpu: false },
    });
    expect(planGpu(sevenB, { gpuLayers: 999, visionOnGpu: 'auto' }, devices).gpuLayers).toBe(29);
    expect(planGpu(sevenB, { gpuLayers: 999, visionOnGpu: true }, []).gpuLayers).toBe(0);
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
