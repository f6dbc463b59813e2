import { expect, it } from 'vitest';
import type { NativeDevice } from '../../src/binding.js';
import { chooseGpus, resolveDevices } from '../../src/device-options.js';
import { checkGpuMemory } from '../../src/memory.js';

const device = (name: string, type: NativeDevice['type'], memoryFree = 8e9): NativeDevice => {
  return { name, type, memoryFree, description: name, backend: 'CUDA', memoryTotal: 12e9 };
};
const MACHINE = [
  device('CPU', 'cpu'),
  device('iGPU', 'igpu'),
  device('CUDA0', 'gpu'),
  device('CUDA1', 'gpu'),
];
const names = (gpus: NativeDevice[]) => gpus.map(({ name }) => name);

it('takes all GPUs but integrated ones, or those that are named, in their order', () => {
  expect(names(chooseGpus(resolveDevices({}), MACHINE))).toEqual(['CUDA0', 'CUDA1']);
  expect(names(chooseGpus(resolveDevices({}), MACHINE.slice(0, 2)))).toEqual(['iGPU']);
  const devices = ['CUDA1', 'iGPU'];
  expect(names(chooseGpus(resolveDevices({ devices }), MACHINE))).toEqual(devices);
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
])('refuses %j', (options, argument) => {
  expect(() => resolveDevices(options as object)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
  );
});

it('names the GPUs that exist', () => {
  const unknown = resolveDevices({ devices: ['CUDA7'] });
  expect(() => chooseGpus(unknown, MACHINE)).toThrow(/iGPU, CUDA0, CUDA1.*CUDA7/s);
  expect(() => chooseGpus(unknown, MACHINE.slice(0, 1))).toThrow(/no GPU/);
  expect(() => chooseGpus(resolveDevices({ tensorSplit: [1] }), MACHINE)).toThrow(/2 devices/);
});

it('refuses what does not fit on the GPUs, with the numbers', () => {
  const estimate = { weights: 0, kvCache: 0, compute: 0, vision: 0, pictures: 0, host: 0 };
  const gpus = [device('CUDA0', 'gpu', 4e9)];
  checkGpuMemory({ ...estimate, gpu: 4e9 }, gpus);
  checkGpuMemory({ ...estimate, gpu: 0 }, []);
  expect(() => checkGpuMemory({ ...estimate, gpu: 4e9 + 1 }, gpus)).toThrow(
    expect.objectContaining({ code: 'ERR_OUT_OF_MEMORY', available: 4e9 }),
  );
});
