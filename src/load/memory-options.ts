/** What the memory of a model depends on: sizes in its files' headers, and how it is loaded. */
import type { NativeKvType } from '../binding.js';
import type { DecoderFacts } from '../gguf/decoder-file.js';
import type { VisionConfig } from '../vision/vision-config.js';

export interface MemoryOptions {
  decoder: Pick<DecoderFacts, DecoderSizes>;
  vision: Pick<VisionConfig, VisionSizes> | null;
  contextSize: number;
  microBatchSize: number;
  /** Samples per step. */
  nOutputs: number;
  kvType: { k: NativeKvType; v: NativeKvType };
  flashAttention: 'auto' | 'on' | 'off';
  /** Threads that our kernels compute with on the CPU. Default 0: there are none. */
  kernelThreads?: number;
  /** Bytes of LoRA adapters; they lie where the matrices do. */
  loraBytes?: number;
  /** Tiles that the tower takes at once on a GPU. */
  gpuTilesPerCall: number;
}

type DecoderSizes =
  | 'nLayer'
  | 'nEmbd'
  | 'nHead'
  | 'nHeadKv'
  | 'headDim'
  | 'nFfn'
  | 'nVocab'
  | 'isTied'
  | 'tensorBytes'
  | 'layerBytes'
  | 'headBytes'
  | 'headType';
type VisionSizes =
  | 'side'
  | 'imageSize'
  | 'nEmbd'
  | 'nFfn'
  | 'nHead'
  | 'nProjection'
  | 'pinpoints'
  | 'tensorBytes';
