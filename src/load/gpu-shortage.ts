/** The errors over a GPU that has too little memory: which one, what was to go there, what it has. */
import type { NativeDevice } from '../binding.js';
import { LlavaError } from '../errors.js';
import { BESIDE_BUFFERS } from './gpu-margin.js';
import { type DeviceMemory, gibibytes, type MemoryEstimate, takenOn } from './memory.js';

/** @throws ERR_OUT_OF_MEMORY when what is to go to a GPU is more than it has */
export function checkGpuMemory({ devices }: MemoryEstimate): void {
  const short = devices.filter(isShort);
  if (short.length === 0) return;
  throw shortage(
    short,
    `${short.map(describe).join(' ')} Lower gpuLayers (or leave it 'auto') or contextSize, or set visionOnGpu: false.`,
  );
}

/** After a load, with what is really left. Other backends than CUDA fail over it with an error.
 *  @throws ERR_OUT_OF_MEMORY when CUDA would not have the room to compute */
export function checkLeftOver({ devices }: MemoryEstimate, now: readonly NativeDevice[]): void {
  for (const device of devices) {
    const { memoryFree, backend } = now.find(({ name }) => name === device.name) ?? {};
    const needed = device.margin - BESIDE_BUFFERS;
    if (device.margin === 0 || backend !== 'CUDA' || memoryFree! >= needed) continue;
    throw new LlavaError(
      'ERR_OUT_OF_MEMORY',
      `With the model loaded ${device.name} has ${gibibytes(memoryFree!)} left, but computing may take ` +
        `${gibibytes(needed)}. Lower gpuLayers or contextSize, or set visionOnGpu: false.`,
      { needed, available: memoryFree, device: device.name, devices: [device] },
    );
  }
}

/** @param least what would have been the least on the GPUs */
export function nothingFits({ devices }: MemoryEstimate): LlavaError {
  const short = devices.filter(isShort);
  return shortage(
    short,
    `Nothing of the model fits on a GPU. ${short.map(describe).join(' ')} ` +
      "Lower contextSize, choose kvType q8_0, free memory there, or take backend 'cpu'.",
  );
}

/** "CUDA0 has 1.00 GiB free, but needs 1.30 GiB: weights 0.50 GiB, …" */
export function describe(device: DeviceMemory): string {
  const { name, free, layers, weights, kvCache, compute, vision, margin } = device;
  const parts = {
    [`weights of ${layers} layers`]: weights,
    'KV cache': kvCache,
    'compute buffers': compute,
    'vision tower': vision,
    'to be left free': margin,
  };
  const sum = Object.entries(parts)
    .filter(([, bytes]) => bytes > 0)
    .map(([part, bytes]) => `${part} ${gibibytes(bytes)}`);
  const needed = gibibytes(neededOn(device));
  return `${name} has ${gibibytes(free)} free but needs about ${needed} (${sum.join(', ')}).`;
}

function shortage(short: DeviceMemory[], message: string): LlavaError {
  const worst = short[0]!;
  return new LlavaError('ERR_OUT_OF_MEMORY', message, {
    needed: neededOn(worst),
    available: worst.free,
    device: worst.name,
    devices: short,
  });
}

function neededOn(device: DeviceMemory): number {
  return takenOn(device) + device.margin;
}

function isShort(device: DeviceMemory): boolean {
  return takenOn(device) > 0 && neededOn(device) > device.free;
}
