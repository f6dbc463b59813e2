/**
 * What must be left over on a GPU once everything is loaded. ggml's CUDA backend takes the buffers that come and go in a
 * product while it computes, and ends the process when there is no room for them (llama.cpp v0.5.0, ggml-cuda/ggml-cuda.cu:
 * `ggml_cuda_pool_leg::alloc`, which the addon uses since it is compiled without the driver's own library). Its pool frees
 * what it holds before it gives up, so the largest product decides:
 *   weights    converted to f32 where the device or the graph asks for it (`ggml_cuda_mul_mat_cublas`), input and output
 *              as f16 or quantised (ggml-cuda/mmq.cu); of the head only bf16 before compute capability 8.0
 *   attention  without flash attention the whole K in f32, or all scores in f16; with it, its buffers are in the graph's
 * Beside these: two cuBLAS workspaces of 32 MiB (ggml-cuda/common.cuh, `cublas_handle`), the code of the kernels, which
 * drivers load at first use, and what other programs take meanwhile.
 */
import type { NativeDevice } from '../binding.js';
import type { MemoryOptions } from './memory-options.js';

/** Which of the two computes there. */
interface Uses {
  decoder: boolean;
  tower: boolean;
}

const LEAST = 512 * 2 ** 20;
export const BESIDE_BUFFERS = 256 * 2 ** 20;
/** What the pool adds to a buffer. */
const LOOK_AHEAD = 1.05;
const BF16_CAPABILITY = 8;

/** Bytes to leave over; 0 where nothing computes. */
export function gpuMargin(options: MemoryOptions, device: NativeDevice, uses: Uses): number {
  if (!uses.decoder && !uses.tower) return 0;
  return Math.max(LEAST, BESIDE_BUFFERS + temporaryBytes(options, device, uses));
}

function temporaryBytes(options: MemoryOptions, device: NativeDevice, uses: Uses): number {
  // Decoder and tower have a pool each.
  const decoder = uses.decoder ? decoderBuffers(options, device) : 0;
  const tower = uses.tower && options.vision ? towerBuffers(options, options.vision) : 0;
  return LOOK_AHEAD * (decoder + tower);
}

function decoderBuffers(options: MemoryOptions, { computeCapability }: NativeDevice): number {
  const { decoder, contextSize, microBatchSize, flashAttention } = options;
  const { nEmbd, nFfn, nVocab, nHead, nHeadKv, headDim, headType } = decoder;
  const layer = nEmbd * nFfn * 4 + microBatchSize * (nEmbd + nFfn) * 2;
  const isOld = computeCapability !== undefined && computeCapability < BF16_CAPABILITY;
  const head = headType === 'bf16' && isOld ? nEmbd * nVocab * 4 : 0;
  const attention =
    flashAttention === 'off'
      ? contextSize * Math.max(nHeadKv * headDim * 4, nHead * microBatchSize * 2)
      : 0;
  return Math.max(layer, head, attention);
}

function towerBuffers(
  { gpuTilesPerCall }: MemoryOptions,
  { side, nEmbd, nFfn, nProjection }: NonNullable<MemoryOptions['vision']>,
): number {
  const widest = Math.max(nFfn, nProjection);
  return Math.max(nEmbd, nProjection) * widest * 4 + gpuTilesPerCall * side ** 2 * widest * 2;
}
