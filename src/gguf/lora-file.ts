/**
 * Reads and checks a LoRA adapter in GGUF, as llama.cpp's convert_lora_to_gguf.py and our converter write them, before
 * llama.cpp sees it: what it would assert on, or silently leave out, is refused here.
 * @see src/llama-adapter.cpp (llama.cpp v0.5.0)
 */
import type { CheckedFile } from '../files/checked-file.js';
import { ggmlTypeByName } from './ggml-types.js';
import {
  LORA_A,
  LORA_B,
  type LoraBase,
  type LoraPair,
  malformedPair,
  misfit,
} from './lora-targets.js';
import {
  type GgufFile,
  type GgufTensor,
  ggufNumber,
  ggufString,
  modelLoadError,
  readGguf,
} from './reader.js';

export interface LoraFile {
  path: string;
  checked: CheckedFile;
  /** Each pair is scaled by alpha / rank; 0 is without that. */
  alpha: number;
  pairs: LoraPair[];
  tensorBytes: number;
}

/** @throws ERR_MODEL_LOAD */
export async function readLoraFile(path: string): Promise<LoraFile> {
  const gguf = await readGguf(path);
  checkMetadata(gguf);
  const alpha = ggufNumber(gguf, 'adapter.lora.alpha', 0);
  if ((gguf.scalarTypes.get('adapter.lora.alpha') ?? 'f32') !== 'f32')
    throw modelLoadError(path, "the key 'adapter.lora.alpha' must be an f32.");
  const tensorBytes = gguf.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  return { path, checked: gguf.checked, alpha, pairs: pairTensors(gguf), tensorBytes };
}

/** @throws ERR_MODEL_LOAD when the adapter was made for another decoder. */
export function checkLoraFits({ path, pairs }: LoraFile, base: LoraBase & { path: string }): void {
  for (const pair of pairs) {
    const problem = misfit(pair, base);
    if (problem)
      throw modelLoadError(
        path,
        `${problem}. It was made for another base model than ${base.path}.`,
      );
  }
}

function checkMetadata(gguf: GgufFile): void {
  const { path } = gguf;
  const type = ggufString(gguf, 'general.type', 'model');
  if (type !== 'adapter')
    throw modelLoadError(path, `it is no adapter but has the 'general.type' ${quote(type)}.`);
  const kind = ggufString(gguf, 'adapter.type');
  if (kind !== 'lora')
    throw modelLoadError(path, `its 'adapter.type' is ${quote(kind)}; expected 'lora'.`);
  const architecture = ggufString(gguf, 'general.architecture');
  if (architecture !== 'qwen2')
    throw modelLoadError(path, `it is for the architecture ${quote(architecture)}, not 'qwen2'.`);
  if (gguf.metadata.has('adapter.alora.invocation_tokens'))
    throw modelLoadError(
      path,
      'it takes effect after certain tokens only (aLoRA), which is not supported.',
    );
}

const quote = (text: string) => `'${text.slice(0, 80)}'`;

function pairTensors(gguf: GgufFile): LoraPair[] {
  const { path, tensors } = gguf;
  const halves = { a: new Map<string, GgufTensor>(), b: new Map<string, GgufTensor>() };
  for (const tensor of tensors) {
    const half = tensor.name.endsWith(LORA_A) ? 'a' : tensor.name.endsWith(LORA_B) ? 'b' : null;
    if (!half)
      throw modelLoadError(
        path,
        `the tensor '${tensor.name}' is no '${LORA_A}' or '${LORA_B}': llama.cpp would not apply it. ` +
          'Merge the adapter into its checkpoint, and convert that.',
      );
    checkMatrix(path, tensor);
    halves[half].set(tensor.name.slice(0, -LORA_A.length), tensor);
  }
  const names = new Set([...halves.a.keys(), ...halves.b.keys()]);
  if (names.size === 0) throw modelLoadError(path, 'it has no tensors.');
  return [...names].map((name) => {
    const a = halves.a.get(name);
    const b = halves.b.get(name);
    if (!a || !b)
      throw modelLoadError(path, `the tensor '${name}${a ? LORA_B : LORA_A}' is missing.`);
    const pair = { name, a: matrixShape(a), b: matrixShape(b) };
    const problem = malformedPair(pair);
    if (problem) throw modelLoadError(path, `${problem}.`);
    return pair;
  });
}

function checkMatrix(path: string, { name, type, shape }: GgufTensor): void {
  if (!ggmlTypeByName(type)?.isWeight)
    throw modelLoadError(path, `the tensor '${name}' cannot be of type ${type}.`);
  if (shape.slice(2).some((size) => size !== 1))
    throw modelLoadError(path, `the tensor '${name}' of shape [${shape}] is no matrix.`);
}

/** ggml's files leave dimensions of 1 at the end out, which rank 1 makes. */
function matrixShape({ shape }: GgufTensor): number[] {
  return [shape[0]!, shape[1] ?? 1];
}
