/**
 * Which type a decoder is converted to where the caller names none: the best whose load fits this machine. A GPU that takes
 * all of the model in some type decides; else the memory of the machine, of which a quarter is left to others.
 */
import { backendFor } from '../addon/load-addon.js';
import { byteSize } from '../byte-size.js';
import type { Outtype } from '../convert/outtypes.js';
import type { PlannedSizes } from '../convert/planned-sizes.js';
import { LlavaError } from '../errors.js';
import { resolveLoadOptions } from '../load/load-options.js';
import { type LoadPlan, type PlanningAddon, planLoad } from '../load/load-plan.js';
import { machineMemory } from '../load/memory.js';

export interface TypeChoice {
  type: Outtype;
  /** In half a sentence. */
  reason: string;
}

/** Best first. Below them answers change much, and the types need an imatrix. */
const CANDIDATES = ['f16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q3_k_m'] as const;
const SHARE = 0.75;

export interface Place {
  addon?: PlanningAddon;
  /** Bytes of the machine. */
  memory?: number;
}

/** @throws ERR_OUT_OF_MEMORY when none fits, ERR_BINDING_NOT_FOUND */
export function bestType(
  sizesFor: (outtype: Outtype) => PlannedSizes,
  { addon = backendFor('auto'), memory = machineMemory() }: Place = {},
): TypeChoice {
  const settings = resolveLoadOptions({ model: 'planned' });
  const plans = CANDIDATES.map((type) => {
    const sizes = sizesFor(type);
    return { type, plan: planLoad(sizes, settings, addon), layers: sizes.decoder.nLayer };
  });
  const onGpu = plans.find(({ plan, layers }) => isAllOnGpu(plan, layers));
  if (onGpu) {
    const { name, free } = onGpu.plan.memory.devices[0]!;
    return {
      type: onGpu.type,
      reason: `the best type that fits on ${name} (${byteSize(free)} free)`,
    };
  }
  const inMemory = plans.find(({ plan }) => plan.memory.host <= memory * SHARE);
  if (inMemory)
    return {
      type: inMemory.type,
      reason: `the best type that fits into ${byteSize(memory)} of memory`,
    };
  const { type, plan } = plans.at(-1)!;
  throw tooLarge(type, plan.memory.host, memory);
}

/** A guess at it, for the disk, while only the size of the weights is known. @throws ERR_OUT_OF_MEMORY when none fits */
export function roughType(weightBytes: number, memory = machineMemory()): Outtype {
  const room = memoryShare(memory);
  const fitting = CANDIDATES.find((type) => convertedBytes(weightBytes, type) <= room);
  if (fitting) return fitting;
  const last = CANDIDATES.at(-1)!;
  throw tooLarge(last, convertedBytes(weightBytes, last), room);
}

/** What a model may take of the machine and its GPUs, in bytes. @param memory of the machine */
export function memoryShare(memory = machineMemory()): number {
  const { binding } = backendFor('auto');
  const onGpus = binding.devices().filter((device) => device.type === 'gpu');
  return onGpus.reduce((sum, { memoryFree }) => sum + memoryFree, memory) * SHARE;
}

/** About what the two files of a conversion take. @param weightBytes of a checkpoint in 16 bits */
export function convertedBytes(weightBytes: number, type: Outtype): number {
  const bits = BITS[type] ?? 6;
  return Math.round((weightBytes * bits) / 16 + Math.min(weightBytes / 8, 1e9));
}

/** Of a weight, mixtures and scales included. */
const BITS: Partial<Record<Outtype, number>> = {
  ...{ f32: 32, f16: 16, bf16: 16, q8_0: 8.6, q6_k: 6.8, q5_k_m: 6, q5_k_s: 5.8 },
  ...{ q4_k_m: 5.2, q4_k_s: 5, q3_k_m: 4.3, q3_k_s: 4, q2_k: 3.5 },
};

function isAllOnGpu({ gpuLayers, visionOnGpu }: LoadPlan, layers: number): boolean {
  return gpuLayers > layers && visionOnGpu;
}

function tooLarge(type: Outtype, needed: number, available: number): LlavaError {
  return new LlavaError(
    'ERR_OUT_OF_MEMORY',
    `The model needs about ${byteSize(needed)} of memory even in ${type}, and there are ${byteSize(available)}. ` +
      'A smaller model, or a type of your own after a colon (`NAME:iq4_xs`), may do.',
    { needed, available },
  );
}
