import { expect, it } from 'vitest';
import type { NativeDevice } from '../../../src/binding.js';
import { type ChosenGpus, chooseGpus } from '../../../src/load/device-options.js';
import { checkGpuMemory } from '../../../src/load/gpu-shortage.js';
import { resolveLoadOptions } from '../../../src/load/load-options.js';

const device = (name: string, type: NativeDevice['type'], memoryFree = 8e9): NativeDevice => {
  return { name, type, memoryFree, description: name, backend: 'CUDA', memoryTotal: 12e9 };
};
const MACHINE = [
  device('CPU', 'cpu'),
  device('iGPU', 'igpu'),
  device('CUDA0', 'gpu'),
  device('CUDA1', 'gpu'),
];
const names = ({ gpus }: ChosenGpus) => gpus.map(({ name }) => name);

it('takes all GPUs but integrated ones, or those that are named, in their order', () => {
  expect(names(chooseGpus({}, MACHINE))).toEqual(['CUDA0', 'CUDA1']);
  expect(names(chooseGpus({}, MACHINE.slice(0, 2)))).toEqual(['iGPU']);
  const devices = ['CUDA1', 'iGPU'];
  expect(names(chooseGpus({ devices }, MACHINE))).toEqual(devices);
});

it.each([
  [{ devices: [] }, 'devices'],
  [{ devices: 'CUDA0' }, 'devices'],
  [{ devices: ['CUDA0', 'CUDA0'] }, 'devices'],
  [{ tensorSplit: [] }, 'tensorSplit'],
  [{ tensorSplit: [0, 0] }, 'tensorSplit'],
  [{ tensorSplit: [1, -1] }, 'tensorSplit'],
  [{ tensorSplit: [Number.NaN] }, 'tensorSplit'],
  [{ devices: ['CUDA0'], tensorSplit: [1, 1] }, 'tensorSplit'],
  [{ mainDevice: '' }, 'mainDevice'],
  [{ mainDevice: 0 }, 'mainDevice'],
  [{ devices: ['CUDA0'], mainDevice: 'CUDA1' }, 'mainDevice'],
  [{ rpcServers: '10.0.0.2:50052' }, 'rpcServers'],
  [{ rpcServers: ['10.0.0.2'] }, 'rpcServers'],
  [{ rpcServers: ['10.0.0.2:0'] }, 'rpcServers'],
  [{ rpcServers: ['10.0.0.2:65536'] }, 'rpcServers'],
  [{ rpcServers: ['[::1]:50052'] }, 'rpcServers'],
  [{ rpcServers: ['http://a:50052'] }, 'rpcServers'],
  [{ rpcServers: ['a:1\n'] }, 'rpcServers'],
  [{ rpcServers: ['a:1', 'a:1'] }, 'rpcServers'],
  [{ rpcServers: Array.from({ length: 17 }, (_, i) => `a:${i + 1}`) }, 'rpcServers'],
])('refuses %j', (options, argument) => {
  expect(() => resolveLoadOptions({ model: 'm.gguf', ...options })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
  );
});

it('puts the devices of other machines behind those of this one, and the tower on none', () => {
  const remote = [device('RPC0', 'rpc', 64e9), device('RPC1', 'rpc')];
  expect(names(chooseGpus({}, [...MACHINE, ...remote]))).toEqual([
    ...['CUDA0', 'CUDA1', 'RPC0', 'RPC1'],
  ]);
  expect(names(chooseGpus({}, [...MACHINE.slice(0, 2), ...remote]))[0]).toBe('iGPU');
  expect(names(chooseGpus({}, [MACHINE[0]!, ...remote]))).toEqual(['RPC0', 'RPC1']);
  const asked = { devices: ['RPC1', 'CUDA1'], tensorSplit: [3, 1] };
  expect(chooseGpus(asked, [...MACHINE, ...remote])).toMatchObject({
    ...{ gpus: [{ name: 'CUDA1' }, { name: 'RPC1' }], tensorSplit: [1, 3] },
  });
  const main = { mainDevice: 'RPC0' };
  expect(() => chooseGpus(main, [...MACHINE, ...remote])).toThrow(/CUDA0, CUDA1 for mainDevice/);
});

it('names the GPUs that exist', () => {
  const unknown = { devices: ['CUDA7'] };
  expect(() => chooseGpus(unknown, MACHINE)).toThrow(/iGPU, CUDA0, CUDA1.*CUDA7/s);
  expect(() => chooseGpus(unknown, MACHINE.slice(0, 1))).toThrow(/no GPU/);
  expect(() => chooseGpus({ tensorSplit: [1] }, MACHINE)).toThrow(/2 devices/);
});

it('puts the main device first, with its share', () => {
  const settings = { tensorSplit: [1, 2], mainDevice: 'CUDA1' };
  const chosen = chooseGpus(settings, MACHINE);
  expect([names(chosen), chosen.tensorSplit]).toEqual([
    ['CUDA1', 'CUDA0'],
    [2, 1],
  ]);
  const unknown = { mainDevice: 'CUDA7' };
  expect(() => chooseGpus(unknown, MACHINE)).toThrow(/CUDA0, CUDA1 for mainDevice.*CUDA7/);
});

it('begins with the one that has the most memory free', () => {
  const machine = [...MACHINE, device('CUDA2', 'gpu', 9e9)];
  expect(names(chooseGpus({}, machine))).toEqual(['CUDA2', 'CUDA0', 'CUDA1']);
  const split = { tensorSplit: [1, 1, 1] };
  expect(names(chooseGpus(split, machine))).toEqual(['CUDA0', 'CUDA1', 'CUDA2']);
});

it('leaves out what cannot be used, and what is full where others are not', () => {
  const problem = 'it is too old';
  const full = device('CUDA2', 'gpu', 1e8);
  const machine = [...MACHINE.slice(0, 3), { ...MACHINE[3]!, problem }, full];
  expect(names(chooseGpus({}, machine))).toEqual(['CUDA0']);
  expect(names(chooseGpus({ mainDevice: 'CUDA2' }, machine))).toEqual([...['CUDA2', 'CUDA0']]);
  expect(names(chooseGpus({ tensorSplit: [1, 1] }, machine))).toHaveLength(2);
  expect(names(chooseGpus({}, [full]))).toEqual(['CUDA2']);
  const named = { devices: ['CUDA1'] };
  expect(() => chooseGpus(named, machine)).toThrow(/CUDA1: it is too old/);
});

it('refuses what does not fit on one of the GPUs, with its numbers', () => {
  const parts = { layers: 3, weights: 3e9, kvCache: 0, compute: 5e8, vision: 0, margin: 5e8 };
  const fits = { ...parts, name: 'CUDA0', free: 4e9 };
  const short = { ...parts, name: 'CUDA1', free: 4e9 - 1 };
  const rest = { weights: 0, kvCache: 0, compute: 0, vision: 0, pictures: 0, host: 0, gpu: 0 };
  checkGpuMemory({ ...rest, devices: [fits] });
  checkGpuMemory({ ...rest, devices: [] });
  expect(() => checkGpuMemory({ ...rest, devices: [fits, short] })).toThrow(
    expect.objectContaining({
      ...{ code: 'ERR_OUT_OF_MEMORY', needed: 4e9, available: 4e9 - 1, device: 'CUDA1' },
      devices: [short],
      message: expect.stringMatching(/^CUDA1 has.*weights of 3 layers.*compute.*left free/),
    }),
  );
});
