/** How much goes to the GPUs, and to which, where the caller leaves it open. */
import type { NativeDevice } from '../binding.js';
import { gpuMargin } from './gpu-margin.js';
import {
  decoderCompute,
  estimateMemory,
  type MemoryEstimate,
  takenOn,
  towerBytes,
} from './memory.js';
import type { MemoryOptions } from './memory-options.js';

export interface GpuWish {
  gpuLayers: number | 'auto';
  visionOnGpu: boolean | 'auto';
  tensorSplit: readonly number[] | undefined;
}

export interface GpuPlan {
  gpuLayers: number;
  visionOnGpu: boolean;
  /** The share of the layers on each GPU. */
  shares: number[];
  memory: MemoryEstimate;
}

type Choice = Pick<GpuPlan, 'gpuLayers' | 'visionOnGpu'>;

/** The tower first, the costliest per weight, then layers, as many as fit. What the caller has fixed is not checked. */
export function planGpu(
  options: MemoryOptions,
  wish: GpuWish,
  gpus: readonly NativeDevice[],
): GpuPlan {
  const place = (choice: Choice) => placed(options, choice, { wish, gpus });
  if (gpus.length === 0) return place({ gpuLayers: 0, visionOnGpu: false });
  const most = options.decoder.nLayer + 1;
  const fits = (choice: Choice) => fitsAll(place(choice).memory);
  const least = wish.gpuLayers === 'auto' ? 0 : Math.min(wish.gpuLayers, most);
  const visionOnGpu =
    options.vision !== null &&
    (wish.visionOnGpu === 'auto'
      ? fits({ gpuLayers: least, visionOnGpu: true })
      : wish.visionOnGpu);
  if (wish.gpuLayers !== 'auto') return place({ gpuLayers: least, visionOnGpu });
  let gpuLayers = most;
  while (gpuLayers > 0 && !fits({ gpuLayers, visionOnGpu })) gpuLayers--;
  return place({ gpuLayers, visionOnGpu });
}

/** The least that could have gone to a GPU, for telling why it did not; null where the caller wanted nothing there. */
export function leastOnGpu(
  options: MemoryOptions,
  wish: GpuWish,
  gpus: readonly NativeDevice[],
): MemoryEstimate | null {
  const place = (choice: Choice) => placed(options, choice, { wish, gpus }).memory;
  if (wish.gpuLayers === 'auto') return place({ gpuLayers: 1, visionOnGpu: false });
  const isTowerOpen = wish.visionOnGpu === 'auto' && options.vision !== null;
  return isTowerOpen ? place({ gpuLayers: 0, visionOnGpu: true }) : null;
}

function fitsAll({ devices }: MemoryEstimate): boolean {
  return devices.every((device) => takenOn(device) + device.margin <= device.free);
}

function placed(
  options: MemoryOptions,
  choice: Choice,
  { wish, gpus }: { wish: GpuWish; gpus: readonly NativeDevice[] },
): GpuPlan {
  const shares = wish.tensorSplit ? [...wish.tensorSplit] : rooms(options, choice, gpus);
  return { ...choice, shares, memory: estimateMemory(options, { ...choice, gpus, shares }) };
}

/** What each GPU has for layers beside all that is not shared out. */
function rooms(
  options: MemoryOptions,
  { visionOnGpu }: Choice,
  gpus: readonly NativeDevice[],
): number[] {
  const compute = decoderCompute(options, true);
  const room = gpus.map((device, i) => {
    const tower = i === 0 && visionOnGpu ? options.vision : null;
    const margin = gpuMargin(options, device, { decoder: true, tower: tower !== null });
    const taken = compute + (tower ? towerBytes(tower, options.gpuTilesPerCall) : 0);
    return Math.max(0, device.memoryFree - margin - taken);
  });
  return room.some((bytes) => bytes > 0) ? room : gpus.map(() => 1);
}
