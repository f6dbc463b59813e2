/**
 * What a LoRA adapter can change of a decoder, and whether a pair of its matrices fits. llama.cpp checks some of this and
 * aborts the process on the rest, when it computes.
 * @see src/llama-adapter.cpp `llama_adapter_lora_init_impl`, src/llama-graph.cpp `build_lora_mm`, `build_inp_embd` (llama.cpp v0.5.0)
 */
import { type DecoderSizes, decoderTensors } from './decoder-tensors.js';

export const LORA_A = '.lora_a';
export const LORA_B = '.lora_b';
export const EMBEDDING = 'token_embd.weight';

/** The factors of what is added to a matrix. Shapes in GGUF order, always two dimensions. */
export interface LoraPair {
  /** GGUF's name of the matrix. */
  name: string;
  /** [columns, rank]; of the embedding matrix, whose rows are looked up, [rank, rows]. */
  a: number[];
  /** [rank, rows]; of the embedding matrix [rank, columns]. */
  b: number[];
}

export interface LoraBase extends DecoderSizes {
  /** Whether the head is the embedding matrix. */
  isTied: boolean;
}

/** Those that occur, in order. */
export function loraRanks(pairs: readonly LoraPair[]): number[] {
  return [...new Set(pairs.map(({ b }) => b[0]!))].sort((a, b) => a - b);
}

/** What is wrong with the pair by itself. */
export function malformedPair({ name, a, b }: LoraPair): string | undefined {
  const rank = name === EMBEDDING ? a[0] : a[1];
  return rank === b[0]
    ? undefined
    : `the matrices for '${name}' have the ranks ${rank} and ${b[0]} ([${a}] and [${b}])`;
}

/** Why the pair cannot be applied to a decoder; undefined when it can. */
export function misfit({ name, a, b }: LoraPair, base: LoraBase): string | undefined {
  if (base.isTied && name === EMBEDDING)
    return 'it changes the embedding of a decoder whose head is the same matrix, which llama.cpp cannot do';
  if (base.isTied && name === 'output.weight')
    return 'it changes the head of a decoder that has none of its own (the embedding matrix is its head)';
  const shape = decoderTensors(base).find((tensor) => tensor.name === name)?.shape;
  if (shape?.length !== 2) return `the decoder of ${base.nLayer} blocks has no matrix '${name}'`;
  const [columns, rows] = name === EMBEDDING ? [b[1], a[1]] : [a[0], b[1]];
  return columns === shape[0] && rows === shape[1]
    ? undefined
    : `it is for a matrix '${name}' of [${columns},${rows}] where the decoder's has [${shape}]`;
}
