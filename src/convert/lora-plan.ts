/**
 * A LoRA adapter as llama.cpp loads it: `NAME.lora_a` and `NAME.lora_b` for each matrix, and one alpha for all. It multiplies
 * their product by alpha / rank; where modules differ (patterns, rank-stabilised scales) the rest goes into lora_b.
 * @see src/llama-adapter.h `get_scale`, convert_lora_to_gguf.py (llama.cpp v0.5.0)
 */
import { ggmlTypeByName } from '../gguf/ggml-types.js';
import { EMBEDDING, LORA_A, LORA_B, type LoraPair } from '../gguf/lora-targets.js';
import { checkpointError } from './checkpoint-error.js';
import { scaledRows, transposedRows } from './computed-rows.js';
import type { PlannedTensor, TensorSource } from './gguf-plan.js';
import type { LoraConfig } from './lora-config.js';
import type { StoredPair } from './lora-tensors.js';
import { baseType, type Outtype } from './outtypes.js';
import type { SafetensorsTensor } from './safetensors.js';

export const LORA_OUTTYPES = ['f32', 'f16', 'bf16', 'q8_0'] as const satisfies Outtype[];
export type LoraOuttype = (typeof LORA_OUTTYPES)[number];

export interface LoraPlan {
  alpha: number;
  pairs: LoraPair[];
  tensors: PlannedTensor[];
}

/** @throws ERR_CHECKPOINT for a rank that is not the configuration's. */
export function planLora(stored: StoredPair[], config: LoraConfig, outtype: LoraOuttype): LoraPlan {
  // Whatever the layout's order is.
  const sorted = stored.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const shaped = sorted.map((pair) => ({ ...pair, ...shapePair(pair, config) }));
  const alpha = mostCommon(shaped.map((pair) => pair.alpha));
  return {
    alpha,
    pairs: shaped.map(({ pair }) => pair),
    tensors: shaped.flatMap(({ name, pair, a, b, alpha: own }) => {
      const sourceA = name === EMBEDDING ? transposedRows(sourceOf(a)) : sourceOf(a);
      const sourceB = own === alpha ? sourceOf(b) : scaledRows(sourceOf(b), own / alpha);
      return [
        plan(name + LORA_A, pair.a, { outtype, source: sourceA }),
        plan(name + LORA_B, pair.b, { outtype, source: sourceB }),
      ];
    }),
  };
}

/** Its shapes in GGUF, and the alpha that would give it its scale. */
function shapePair({ name, module, a, b }: StoredPair, config: LoraConfig) {
  const rank = config.rankOf(module);
  for (const [tensor, found] of [
    [a, a.shape[0]!],
    [b, b.shape[1]!],
  ] as const)
    if (found !== rank)
      throw checkpointError(
        tensor.file,
        `the tensor '${tensor.name}' of shape [${tensor.shape}] has rank ${found} where adapter_config.json says ${rank}.`,
        { tensor: tensor.name },
      );
  const width = a.shape[1]!;
  return {
    pair: {
      name,
      a: name === EMBEDDING ? [rank, width] : [width, rank],
      b: [rank, b.shape[0]!],
    },
    alpha: Math.fround(config.scaleOf(module) * rank),
  };
}

function plan(
  name: string,
  shape: number[],
  { outtype, source }: { outtype: LoraOuttype; source: TensorSource },
): PlannedTensor {
  const type = baseType(outtype);
  const fits = shape[0]! % ggmlTypeByName(type)!.blockSize === 0;
  return { name, shape, type: fits ? type : 'f16', source };
}

function sourceOf({ dtype, shape, ...rest }: SafetensorsTensor): TensorSource {
  return { ...rest, type: dtype.toLowerCase(), shape: shape.toReversed() };
}

function mostCommon(values: number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
