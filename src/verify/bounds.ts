/**
 * How far figures may be from a table's. What decides is the coarser of two: what the reference computed in, and what the file is stored
 * in, by its coarsest type (on a GPU no finer than f16, which multiplies there). Coarser types than q8_0 answer differently by design: their
 * figures are shown and not judged.
 *
 * Measured between f32 and f16, bf16 and q8_0 files of two models of few layers: logits 0.005, 0.05 and 0.2, rows 0.0004, 0.004
 * and 0.01. The bounds are wider because published models have more layers to round in, and their references ran in f16.
 */
import { ggmlTypeByName } from '../gguf/ggml-types.js';
import type { GgufTensor } from '../gguf/reader.js';

export const PRECISIONS = ['f32', 'f16', 'bf16', 'q8_0'] as const;
/** Finest first. */
export type Precision = (typeof PRECISIONS)[number];

/** Largest difference of a logit; logits are of the order of 10. */
const LOGIT_BOUNDS: Record<Precision, number> = { f32: 0.01, f16: 0.1, bf16: 0.3, q8_0: 1 };
/** |difference| / |expected| over the values of visual rows. */
const ROW_BOUNDS: Record<Precision, number> = { f32: 1e-4, f16: 5e-3, bf16: 0.03, q8_0: 0.05 };

export interface Comparison {
  file: Precision | null;
  reference: Precision;
  isOnGpu: boolean;
}

/** Undefined where nothing can be judged. */
export function logitBound(comparison: Comparison): number | undefined {
  return bound(LOGIT_BOUNDS, comparison);
}

export function rowBound(comparison: Comparison): number | undefined {
  return bound(ROW_BOUNDS, comparison);
}

function bound(
  bounds: Record<Precision, number>,
  { file, reference, isOnGpu }: Comparison,
): number | undefined {
  if (file === null) return undefined;
  return Math.max(bounds[file], bounds[reference], isOnGpu ? bounds.f16 : 0);
}

/** ggml's name of the type with the fewest bits for a weight, and the fewest of them in its mantissa. */
export function coarsestType(tensors: readonly GgufTensor[]): string {
  const fineness = (name: string) => {
    const { blockBytes, blockSize } = ggmlTypeByName(name)!;
    return blockBytes / blockSize - (name === 'bf16' ? 0.1 : 0);
  };
  const types = [...new Set(tensors.map(({ type }) => type))];
  return types.sort((a, b) => fineness(a) - fineness(b))[0] ?? '';
}

/** Null for a coarser type. */
export function precisionOf(type: string): Precision | null {
  return PRECISIONS.find((precision) => precision === type) ?? null;
}
