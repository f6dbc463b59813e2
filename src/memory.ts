/**
 * What a model will take, before it is taken. Pure arithmetic over the files' headers; weights and KV cache are exact up to
 * padding, compute buffers are upper estimates:
 *   decoder  microBatch × (2 FFN widths + 6 embedding widths) and two vocabularies per sequence in f32, and the attention's
 *            mask in f16 or, without flash attention, mask and scores of every head in f32: microBatch × context each
 *   tower    patches × (FFN + 8 embedding widths) and heads × patches² in f32, for up to TILES_PER_CALL tiles on a GPU
 *   pictures features of all tiles of the largest grid, and the rows made of them
 */
import os from 'node:os';
import type { NativeDevice, NativeKvType } from './binding.js';
import type { DecoderFacts } from './engine/engine.js';
import { LlavaError } from './errors.js';
import type { VisionConfig } from './vision/vision-config.js';

export interface MemoryOptions {
  decoder: Pick<
    DecoderFacts,
    'nLayer' | 'nEmbd' | 'nHead' | 'nHeadKv' | 'headDim' | 'nFfn' | 'nVocab' | 'tensorBytes'
  >;
  vision: Pick<
    VisionConfig,
    'side' | 'imageSize' | 'nEmbd' | 'nFfn' | 'nHead' | 'nProjection' | 'pinpoints' | 'tensorBytes'
  > | null;
  contextSize: number;
  microBatchSize: number;
  maxSequences: number;
  kvType: { k: NativeKvType; v: NativeKvType };
  flashAttention: 'auto' | 'on' | 'off';
  /** Bytes of LoRA adapters; they lie where the matrices do. */
  loraBytes?: number;
  /** 0 to nLayer + 1: the last stands for the output matrix. */
  gpuLayers: number;
  visionOnGpu: boolean;
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
}

const KV_BYTES: Record<NativeKvType, number> = { f32: 4, f16: 2, q8_0: 34 / 32 };
const TILES_PER_CALL = 8;
/** llama.cpp rounds the context up to whole blocks. */
const CONTEXT_BLOCK = 256;
/** What a GPU's driver and other programs are left with. */
const GPU_MARGIN = 512 * 2 ** 20;

export function estimateMemory(options: MemoryOptions): MemoryEstimate {
  const { decoder, gpuLayers, loraBytes = 0 } = options;
  const { tensorBytes, nLayer } = decoder;
  const kvCache = kvBytes(options);
  const compute = decoderCompute(options);
  const vision = options.vision ? visionBytes(options.vision, options.visionOnGpu) : 0;
  const pictures = options.vision ? pictureBytes(options.vision) : 0;
  const layersOnGpu = Math.min(gpuLayers, nLayer);
  const { layers, output } = weightShares(decoder);
  const gpu =
    (layersOnGpu / nLayer) * (layers + loraBytes + kvCache) +
    (gpuLayers > nLayer ? output : 0) +
    (gpuLayers > 0 ? compute : 0) +
    (options.visionOnGpu ? vision : 0);
  const weights = tensorBytes + loraBytes;
  const total = weights + kvCache + compute + vision + pictures;
  return { weights, kvCache, compute, vision, pictures, host: total - gpu, gpu };
}

/** The GPUs that llama.cpp uses: integrated ones only where there is no other. */
export function usableGpus(devices: readonly NativeDevice[]): NativeDevice[] {
  const discrete = devices.filter(({ type }) => type === 'gpu');
  return discrete.length > 0 ? discrete : devices.filter(({ type }) => type === 'igpu');
}

/** How much goes to the GPUs when the caller leaves it open: the tower first, the costliest per weight, then layers. */
export function planGpu(
  options: Omit<MemoryOptions, 'gpuLayers' | 'visionOnGpu'>,
  wish: { gpuLayers: number | 'auto'; visionOnGpu: boolean | 'auto' },
  devices: readonly NativeDevice[],
): { gpuLayers: number; visionOnGpu: boolean } {
  const gpus = usableGpus(devices);
  const { nLayer } = options.decoder;
  if (gpus.length === 0) return { gpuLayers: 0, visionOnGpu: false };
  const free = gpus.reduce((sum, { memoryFree }) => sum + Math.max(0, memoryFree - GPU_MARGIN), 0);
  const fits = (plan: { gpuLayers: number; visionOnGpu: boolean }) =>
    estimateMemory({ ...options, ...plan }).gpu <= free;
  const least = wish.gpuLayers === 'auto' ? 0 : Math.min(wish.gpuLayers, nLayer + 1);
  const visionOnGpu =
    wish.visionOnGpu === 'auto'
      ? options.vision !== null && fits({ gpuLayers: least, visionOnGpu: true })
      : wish.visionOnGpu;
  if (wish.gpuLayers !== 'auto') return { gpuLayers: least, visionOnGpu };
  let gpuLayers = nLayer + 1;
  while (gpuLayers > 0 && !fits({ gpuLayers, visionOnGpu })) gpuLayers--;
  return { gpuLayers, visionOnGpu };
}

/** Memory of this machine, or of the container the process is confined to. */
export function machineMemory(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}

/** @throws ERR_OUT_OF_MEMORY when the part outside GPUs is more than `available` bytes */
export function checkMemory(estimate: MemoryEstimate, available: number): void {
  if (estimate.host <= available) return;
  const { weights, kvCache, compute, vision, pictures, host, gpu } = estimate;
  const parts = Object.entries({
    ...{ weights, 'KV cache': kvCache, 'compute buffers': compute },
    ...{ 'vision tower': vision, pictures },
  }).map(([name, bytes]) => `${name} ${gigabytes(bytes)}`);
  throw new LlavaError(
    'ERR_OUT_OF_MEMORY',
    `The model needs about ${gigabytes(host)} of memory${gpu > 0 ? ` besides ${gigabytes(gpu)} on GPUs` : ''} ` +
      `(${parts.join(', ')}) but there are ${gigabytes(available)}. Lower contextSize, choose kvType q8_0, ` +
      'or convert the checkpoint to a smaller type.',
    { needed: host, available },
  );
}

/** @throws ERR_OUT_OF_MEMORY when the part on GPUs is more than they have free */
export function checkGpuMemory(estimate: MemoryEstimate, gpus: readonly NativeDevice[]): void {
  const available = gpus.reduce((sum, { memoryFree }) => sum + memoryFree, 0);
  if (estimate.gpu <= available) return;
  const free = gpus.map(
    ({ name, memoryFree, memoryTotal }) =>
      `${name} has ${gigabytes(memoryFree)} of ${gigabytes(memoryTotal)} free`,
  );
  throw new LlavaError(
    'ERR_OUT_OF_MEMORY',
    `What is to go to the GPU takes about ${gigabytes(estimate.gpu)}, but ${free.join(', ')}. ` +
      "Lower gpuLayers (or leave it 'auto') or contextSize, or set visionOnGpu: false.",
    { needed: estimate.gpu, available },
  );
}

function kvBytes({ decoder, contextSize, kvType }: MemoryOptions): number {
  const cells = Math.ceil(contextSize / CONTEXT_BLOCK) * CONTEXT_BLOCK;
  const width = decoder.nHeadKv * decoder.headDim;
  return cells * decoder.nLayer * width * (KV_BYTES[kvType.k] + KV_BYTES[kvType.v]);
}

function decoderCompute(options: MemoryOptions): number {
  const { decoder, contextSize, microBatchSize, maxSequences, flashAttention } = options;
  const widths = 2 * decoder.nFfn + 6 * decoder.nEmbd;
  const attention = contextSize * (flashAttention === 'off' ? decoder.nHead + 1 : 0.5);
  return (microBatchSize * (widths + attention) + maxSequences * decoder.nVocab * 2) * 4;
}

/** Splits the file's bytes by numbers of weights: into all layers together, and the output matrix. */
function weightShares(decoder: MemoryOptions['decoder']): { layers: number; output: number } {
  const { nLayer, nEmbd, nHeadKv, headDim, nFfn, nVocab, tensorBytes } = decoder;
  const perLayer = 2 * nEmbd * (nEmbd + nHeadKv * headDim) + 3 * nEmbd * nFfn;
  const layers = nLayer * perLayer;
  const embedding = nEmbd * nVocab;
  const all = layers + embedding;
  return { layers: (tensorBytes * layers) / all, output: (tensorBytes * embedding) / all };
}

function visionBytes(vision: NonNullable<MemoryOptions['vision']>, isOnGpu: boolean): number {
  const patches = vision.side ** 2;
  const perTile =
    patches * (vision.nFfn + 8 * vision.nEmbd + vision.nProjection * 2) +
    vision.nHead * patches ** 2;
  return vision.tensorBytes + perTile * (isOnGpu ? TILES_PER_CALL : 1) * 4;
}

function pictureBytes(vision: NonNullable<MemoryOptions['vision']>): number {
  const tiles = vision.pinpoints.map(
    ({ width, height }) => (width * height) / vision.imageSize ** 2,
  );
  return (1 + Math.max(...tiles)) * vision.side ** 2 * vision.nProjection * 4 * 2;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
