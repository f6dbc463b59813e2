/**
 * What a model will take, before it is taken. Pure arithmetic over the files' headers; weights and KV cache are exact up to
 * padding, compute buffers are upper estimates:
 *   decoder  microBatch × (2 FFN widths + 6 embedding widths) and, with the head, two vocabularies per sample in f32, and
 *            the attention's mask in f16 or, without flash attention, mask and scores of every head in f32: microBatch ×
 *            context each; with it, caches of other types than f16 are converted, a layer at a time
 *   kernels  of the CPU, ours: activations of the widest product, packed, and half a MiB a thread
 *   tower    patches × (FFN + 8 embedding widths) and heads × patches² in f32, for all tiles of a call
 *   pictures features of all tiles of the largest grid, and the rows made of them
 */
import os from 'node:os';
import { groupLimits } from '../addon/cgroup.js';
import type { NativeDevice, NativeKvType } from '../binding.js';
import { LlavaError } from '../errors.js';
import { gpuMargin } from './gpu-margin.js';
import { assignLayers } from './layer-shares.js';
import type { MemoryOptions } from './memory-options.js';

/** What goes to which GPU. */
export interface Placement {
  /** 0 to nLayer + 1: the head counts as one, and goes first. */
  gpuLayers: number;
  /** On the first GPU. */
  visionOnGpu: boolean;
  gpus: readonly NativeDevice[];
  /** The share of the layers on each GPU. */
  shares: readonly number[];
}

/** What one GPU has and gets, in bytes. */
export interface DeviceMemory {
  name: string;
  /** What was free before the load. */
  free: number;
  /** Decoder layers on it, the head among them. */
  layers: number;
  weights: number;
  kvCache: number;
  compute: number;
  vision: number;
  /** What shall stay free: see docs/install.md. 0 where nothing goes. */
  margin: number;
}

/** Bytes. */
export interface MemoryEstimate {
  /** The decoder's and its adapters'. */
  weights: number;
  kvCache: number;
  compute: number;
  vision: number;
  /** While a picture of the largest size is encoded. */
  pictures: number;
  /** The parts of the sum that lie in the machine's memory and in that of the GPUs. */
  host: number;
  gpu: number;
  /** The GPUs' part of it, one by one. */
  devices: DeviceMemory[];
}

const KV_BYTES: Record<NativeKvType, number> = { f32: 4, f16: 2, q8_0: 34 / 32 };
/** llama.cpp rounds the context up to whole blocks. */
const CONTEXT_BLOCK = 256;
/** Heads that grow to a width the GPU's attention takes, and small tensors in f32. */
const TOWER_PADDING = 1.05;
const KERNEL_SCRATCH = 2 ** 19;
const ON_CPU: Placement = { gpuLayers: 0, visionOnGpu: false, gpus: [], shares: [] };

export function estimateMemory(options: MemoryOptions, placement = ON_CPU): MemoryEstimate {
  const { decoder, vision: tower, loraBytes = 0 } = options;
  const { nLayer, tensorBytes, headBytes, isTied } = decoder;
  const { gpuLayers, visionOnGpu, gpus, shares } = placement;
  const devices = assignLayers(nLayer, gpuLayers, shares).map((layers, i) =>
    deviceMemory(options, placement, { device: gpus[i]!, layers, isFirst: i === 0 }),
  );
  const onGpus = (part: 'weights' | 'kvCache' | 'compute' | 'vision') =>
    devices.reduce((sum, device) => sum + device[part], 0);
  // A head that is the embedding matrix is there twice then: rows are looked up on the CPU.
  const copied = isTied && gpuLayers > 0 ? headBytes : 0;
  const weights = tensorBytes + loraBytes + copied;
  const kvCache = kvBytes(options, nLayer);
  const hostCompute = gpuLayers > nLayer ? 0 : decoderCompute(options, gpuLayers === 0);
  const packed = (rows: number, width: number) => packedBytes(options, rows, width);
  const work = hostCompute > 0 ? packed(options.microBatchSize, decoder.nFfn) : 0;
  const compute = hostCompute + work + onGpus('compute');
  const towerWork = tower && !visionOnGpu ? packed(tower.side ** 2, tower.nFfn) : 0;
  const tiles = visionOnGpu ? options.gpuTilesPerCall : 1;
  const vision = tower ? towerBytes(tower, tiles) + towerWork : 0;
  const pictures = tower ? pictureBytes(tower) : 0;
  const gpu = devices.reduce((sum, device) => sum + takenOn(device), 0);
  const host = weights + kvCache + compute + vision + pictures - gpu;
  return { weights, kvCache, compute, vision, pictures, host, gpu, devices };
}

export function takenOn({ weights, kvCache, compute, vision }: DeviceMemory): number {
  return weights + kvCache + compute + vision;
}

function deviceMemory(
  options: MemoryOptions,
  { gpuLayers, visionOnGpu }: Placement,
  { device, layers, isFirst }: { device: NativeDevice; layers: number[]; isFirst: boolean },
): DeviceMemory {
  const { decoder, vision: tower, loraBytes = 0, gpuTilesPerCall } = options;
  const { nLayer, layerBytes, headBytes } = decoder;
  const blocks = layers.filter((layer) => layer < nLayer);
  const hasHead = blocks.length < layers.length;
  const hasTower = isFirst && visionOnGpu && tower !== null;
  // With long batches the first GPU multiplies by the CPU's matrices too, copied one by one.
  const copies = isFirst && gpuLayers > 0 && gpuLayers <= nLayer ? Math.max(...layerBytes) : 0;
  const computes = layers.length > 0 || copies > 0;
  const parts = {
    name: device.name,
    free: device.memoryFree,
    layers: layers.length,
    weights:
      blocks.reduce((sum, layer) => sum + layerBytes[layer]! + loraBytes / nLayer, 0) +
      (hasHead ? headBytes : 0),
    kvCache: kvBytes(options, blocks.length),
    compute: computes ? decoderCompute(options, hasHead) + copies : 0,
    vision: hasTower ? towerBytes(tower, gpuTilesPerCall) : 0,
  };
  return { ...parts, margin: gpuMargin(options, device, { decoder: computes, tower: hasTower }) };
}

/** Memory of this machine, or of the container the process is confined to. */
export function machineMemory(): number {
  // Node looks at the process's own group alone, and not in every version.
  const constrained = process.constrainedMemory?.() || Infinity;
  return Math.min(constrained, groupLimits().memory, os.totalmem());
}

/** @throws ERR_OUT_OF_MEMORY when the part outside GPUs is more than `available` bytes */
export function checkMemory(estimate: MemoryEstimate, available: number): void {
  if (estimate.host <= available) return;
  const { weights, kvCache, compute, vision, pictures, host, gpu } = estimate;
  const parts = Object.entries({
    weights,
    'KV cache': kvCache,
    'compute buffers': compute,
    'vision tower': vision,
    pictures,
  }).map(([name, bytes]) => `${name} ${gibibytes(bytes)}`);
  throw new LlavaError(
    'ERR_OUT_OF_MEMORY',
    `The model needs about ${gibibytes(host)} of memory${gpu > 0 ? ` besides ${gibibytes(gpu)} on GPUs` : ''} ` +
      `(${parts.join(', ')}) but there are ${gibibytes(available)}. Lower contextSize, choose kvType q8_0, ` +
      'or convert the checkpoint to a smaller type.',
    { needed: host, available },
  );
}

function kvBytes({ decoder, contextSize, kvType }: MemoryOptions, layers: number): number {
  const width = decoder.nHeadKv * decoder.headDim;
  return cells(contextSize) * layers * width * (KV_BYTES[kvType.k] + KV_BYTES[kvType.v]);
}

export function decoderCompute(options: MemoryOptions, hasHead: boolean): number {
  const { decoder, contextSize, microBatchSize, nOutputs, flashAttention, kvType } = options;
  const widths = 2 * decoder.nFfn + 6 * decoder.nEmbd;
  const isFlash = flashAttention !== 'off';
  const attention = contextSize * (isFlash ? 0.5 : decoder.nHead + 1);
  const converted = isFlash ? [kvType.k, kvType.v].filter((type) => type !== 'f16').length : 0;
  return (
    (microBatchSize * (widths + attention) + (hasHead ? nOutputs * decoder.nVocab * 2 : 0)) * 4 +
    converted * cells(contextSize) * decoder.nHeadKv * decoder.headDim * 2
  );
}

/** Activations as native/kernels packs them, in four bytes a value at most, and each thread's panels and rows. */
function packedBytes({ kernelThreads = 0 }: MemoryOptions, rows: number, width: number): number {
  return kernelThreads === 0 ? 0 : rows * width * 4 + kernelThreads * KERNEL_SCRATCH;
}

function cells(contextSize: number): number {
  return Math.ceil(contextSize / CONTEXT_BLOCK) * CONTEXT_BLOCK;
}

export function towerBytes(vision: NonNullable<MemoryOptions['vision']>, tiles: number): number {
  const patches = vision.side ** 2;
  const perTile =
    patches * (vision.nFfn + 8 * vision.nEmbd + vision.nProjection * 2) +
    vision.nHead * patches ** 2;
  return vision.tensorBytes * TOWER_PADDING + perTile * tiles * 4;
}

function pictureBytes(vision: NonNullable<MemoryOptions['vision']>): number {
  const tiles = vision.pinpoints.map(
    ({ width, height }) => (width * height) / vision.imageSize ** 2,
  );
  return (1 + Math.max(...tiles)) * vision.side ** 2 * vision.nProjection * 4 * 2;
}

export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
