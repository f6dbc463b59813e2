/** What a GGUF file is going to contain, decided and checked before the first byte is written. */
import type { Dialect } from '../dialect.js';
import type { CheckedFile } from '../files/checked-file.js';
import { type GgmlType, ggmlTypeByName } from '../gguf/ggml-types.js';
import type { CheckpointSource } from '../hub/snapshot-source.js';
import type { Checkpoint } from './checkpoint.js';
import { checkpointError } from './checkpoint-error.js';
import type { ModelConfig } from './model-config.js';
import type { SafetensorsTensor } from './safetensors.js';

export type GgufEntry =
  | { key: string; type: 'u16' | 'u32' | 'i32' | 'f32'; value: number }
  | { key: string; type: 'bool'; value: boolean }
  | { key: string; type: 'string'; value: string }
  | { key: string; type: 'i32[]'; value: Int32Array }
  | { key: string; type: 'f32[]'; value: Float32Array }
  | { key: string; type: 'string[]'; value: string[] };

/** What the file of the decoder, and that of the tower, are planned from. */
export interface PlanSource {
  checkpoint: Checkpoint;
  config: ModelConfig;
  dialect: Dialect;
  /** By GGUF name. */
  tensors: ReadonlyMap<string, SafetensorsTensor>;
  name: string;
  source?: CheckpointSource;
}

/** Where a tensor is read from. */
export interface TensorSource {
  name: string;
  file: string;
  /** ggml's name of how it is stored. */
  type: string;
  /** GGUF order. */
  shape: number[];
  /** From the beginning of the file. */
  offset: number;
  bytes: number;
  /** Where the values are others than those stored: rows `first` to `first` + `count` - 1 of them, f32 as `type` says. */
  rows?(first: number, count: number): Promise<Float32Array>;
}

export interface PlannedTensor {
  name: string;
  /** GGUF order. Where it exceeds the source's, rows or their ends are filled with zeros. */
  shape: number[];
  type: string;
  source: TensorSource;
  /** A weight for each column, by which a quantised type minimises its error. */
  importance?: Float32Array;
}

export interface GgufPlan {
  /** A GGUF file whose metadata comes first, all but the keys of `except`. */
  base?: { file: CheckedFile; except: string[] };
  entries: GgufEntry[];
  tensors: PlannedTensor[];
  notes: string[];
}

const convertible = ['F32', 'F16', 'BF16'];

/** The tensor that becomes `name`. @param wanted its shape in GGUF order.
 *  @throws ERR_CHECKPOINT when it is missing, misshapen or of another kind of number. */
export function requireTensor(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  name: string,
  wanted: { shape: number[]; checkpoint: string },
): TensorSource {
  const tensor = tensors.get(name);
  if (!tensor)
    throw checkpointError(wanted.checkpoint, `the tensor for '${name}' is missing.`, {
      tensor: name,
    });
  const fail = (problem: string) =>
    checkpointError(tensor.file, `the tensor '${tensor.name}' ${problem}.`, {
      tensor: tensor.name,
    });
  const expected = wanted.shape.toReversed();
  if (tensor.shape.join() !== expected.join())
    throw fail(`has shape [${tensor.shape}] where config.json implies [${expected}]`);
  if (!convertible.includes(tensor.dtype))
    throw fail(`has dtype ${tensor.dtype}; ${convertible.join(', ')} can be converted`);
  const { dtype, ...rest } = tensor;
  return { ...rest, type: dtype.toLowerCase(), shape: wanted.shape };
}

/** Bytes of a tensor, or of one row, in a file. */
export function tensorBytes(tensor: { shape: number[]; type: string }): number {
  const { blockSize, blockBytes } = blocksOf(tensor.type);
  return (elementCount(tensor.shape) / blockSize) * blockBytes;
}

export function elementCount(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** How many parameters, as llama.cpp writes it in `general.size_label`: "894M", "8.0B". */
export function sizeLabel(tensors: PlannedTensor[]): string {
  const count = tensors.reduce((sum, { source }) => sum + elementCount(source.shape), 0);
  const [divisor, suffix] = count > 1e9 ? [1e9, 'B'] : count > 1e6 ? [1e6, 'M'] : [1e3, 'K'];
  const scaled = count / divisor;
  return `${scaled.toFixed(scaled < 9.95 ? 1 : 0)}${suffix}`;
}

/** One note for the matrices that could not get the type meant for them. */
export function fallbackNotes(tensors: PlannedTensor[], wanted: string): string[] {
  const { blockSize } = blocksOf(wanted);
  const kept = tensors.filter(
    ({ type, shape }) => type !== 'f32' && type !== wanted && shape[0]! % blockSize !== 0,
  );
  if (kept.length === 0) return [];
  const types = [...new Set(kept.map(({ type }) => type))].join(' or ');
  return [
    `${kept.length} matrices are ${types} because their rows are not a multiple of ${blockSize} ` +
      `(${kept[0]!.name}, …).`,
  ];
}

function blocksOf(type: string): GgmlType {
  return ggmlTypeByName(type)!;
}
