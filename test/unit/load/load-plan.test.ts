/** What is decided before anything is loaded, on CPUs and GPUs as this process finds them. */
import os from 'node:os';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { groupLimits } from '../../../src/addon/cgroup.js';
import { resolveLoadOptions } from '../../../src/load/load-options.js';
import { planLoad } from '../../../src/load/load-plan.js';
import { fakeAddon, fakeBinding } from '../../support/fake-binding.js';
import { fakeFiles } from '../../support/fake-model.js';
import { GPU, plan } from '../../support/load-plan.js';

vi.mock('../../../src/addon/cgroup.js');

beforeEach(() => {
  vi.spyOn(os, 'availableParallelism').mockReturnValue(8);
  vi.mocked(groupLimits).mockReturnValue({ cpus: Infinity, memory: Infinity });
});

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

  it('gives layers to other machines, and the tower to a GPU of this one only', () => {
    const servers = { rpcServers: ['a:1'] };
    const rpcDevices = [{ ...GPU, name: 'RPC0', type: 'rpc' as const, backend: 'RPC' }];
    expect(plan(servers, { rpcDevices })).toMatchObject({
      ...{ gpuLayers: 3, visionOnGpu: false, gpus: [{ name: 'RPC0' }], backend: { name: 'cpu' } },
    });
    const cuda = { devices: [GPU], backend: 'cuda' as const, rpcDevices };
    expect(plan(servers, cuda)).toMatchObject({
      ...{ gpuLayers: 3, visionOnGpu: true, gpus: [{ name: 'GPU0' }, { name: 'RPC0' }] },
    });
    const onCpu = { ...servers, backend: 'cpu' as const };
    expect(plan({ ...onCpu, gpuLayers: 2 }, { rpcDevices }).gpuLayers).toBe(2);
    expect(plan({ ...servers, gpuLayers: 0 }, { rpcDevices }).gpuLayers).toBe(0);
    expect(() => plan({ ...servers, visionOnGpu: true }, { rpcDevices })).toThrow(/visionOnGpu/);
    const full = [{ ...rpcDevices[0]!, memoryFree: 1e6 }];
    expect(() => plan(servers, { rpcDevices: full })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_MEMORY', device: 'RPC0' }),
    );
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
