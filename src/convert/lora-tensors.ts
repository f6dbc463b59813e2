/**
 * The tensors of an adapter folder (adapter_model.safetensors) as pairs of low-rank matrices, by the GGUF name of the
 * matrix they change. A tensor that would not take effect is refused by name.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointError } from './checkpoint-error.js';
import { findDecoderName } from './layouts.js';
import { checkAdapterFiles, MERGE_ADVICE } from './lora-config.js';
import { readSafetensors, type SafetensorsTensor } from './safetensors.js';

/** Two tensors of a folder. */
export interface StoredPair {
  /** GGUF's name of the matrix. */
  name: string;
  /** PEFT's name of the layer, without its prefix. */
  module: string;
  /** [rank, columns]; of an embedding [rank, rows]. */
  a: SafetensorsTensor;
  /** [rows, rank]; of an embedding [columns, rank]. */
  b: SafetensorsTensor;
}

export interface StoredLora {
  pairs: StoredPair[];
  notes: string[];
}

const MODEL_FILE = 'adapter_model.safetensors';
/** Tower, projector, and what lies between them. */
const VISUAL =
  /(^|\.)(vision_(tower|model|resampler)|mm_projector|multi_modal_projector|image_newline)(\.|$)/;
const MATRIX = /^(.+)\.lora_(?:embedding_)?([AB])(?:\.default)?(?:\.weight)?$/;
/** Weights of the base that PEFT stores on occasion, unchanged. */
const BASE_WEIGHT = /\.base_layer\.(weight|bias)$/;
const SHOWN = 3;

/** @param textOnly leave out what changes the vision tower and projector. @throws ERR_CHECKPOINT */
export async function readLoraTensors(folder: string, textOnly: boolean): Promise<StoredLora> {
  const path = join(folder, MODEL_FILE);
  await checkFiles(folder, textOnly);
  const { tensors } = await readSafetensors(path);
  const visual = tensors.filter(({ name }) => VISUAL.test(name) && !BASE_WEIGHT.test(name));
  if (visual.length > 0 && !textOnly)
    throw checkpointError(
      path,
      `${visual.length} tensors change the vision tower or the projector (${list(visual)}), which a GGUF adapter cannot. ` +
        `${MERGE_ADVICE} Or convert the decoder's part alone (\`textOnly\`).`,
      { tensor: visual[0]!.name },
    );
  const base = tensors.filter(({ name }) => BASE_WEIGHT.test(name));
  const left = new Set([...visual, ...base]);
  return {
    pairs: pairUp(
      path,
      tensors.filter((tensor) => !left.has(tensor)),
    ),
    notes: [
      ...(visual.length > 0
        ? [`${visual.length} tensors of vision tower and projector are left out: ${list(visual)}.`]
        : []),
      ...(base.length > 0
        ? [`${base.length} weights of the base model are left out: ${list(base)}.`]
        : []),
    ],
  };
}

async function checkFiles(folder: string, textOnly: boolean): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes(MODEL_FILE))
    throw checkpointError(
      folder,
      names.includes('adapter_model.bin')
        ? `its adapter_model.bin has to be saved as ${MODEL_FILE} first (save_pretrained with safe_serialization).`
        : `it has no ${MODEL_FILE}.`,
    );
  checkAdapterFiles(folder, names, textOnly);
}

function pairUp(path: string, tensors: SafetensorsTensor[]): StoredPair[] {
  const parts = new Map<string, Partial<StoredPair> & Pick<StoredPair, 'name' | 'module'>>();
  for (const tensor of tensors) {
    const [, layer, half] = MATRIX.exec(tensor.name) ?? [];
    const module = layer?.replace(/^base_model\.model\./, '');
    const name = module && findDecoderName(`${module}.weight`);
    if (!module || !name) throw unusable(path, tensor, module !== undefined);
    const part = parts.get(name) ?? { name, module };
    const key = half === 'A' ? 'a' : 'b';
    if (part[key])
      throw checkpointError(path, `'${tensor.name}' and '${part[key].name}' are the same part.`, {
        tensor: tensor.name,
      });
    checkMatrix(path, tensor);
    part[key] = tensor;
    parts.set(name, part);
  }
  if (parts.size === 0) throw checkpointError(path, 'it changes nothing of the decoder.');
  return [...parts.values()].map((part) => {
    const { a, b } = part;
    if (!a || !b)
      throw checkpointError(
        path,
        `the tensor '${(a ?? b)!.name}' lacks its counterpart (lora_${a ? 'B' : 'A'}).`,
        { tensor: (a ?? b)!.name },
      );
    return { ...part, a, b };
  });
}

function unusable(path: string, { name }: SafetensorsTensor, isMatrix: boolean) {
  return checkpointError(
    path,
    isMatrix
      ? `the tensor '${name}' changes no part of a LLaVA-OneVision decoder.`
      : `the tensor '${name}' is a trained weight of its own (modules_to_save), which a GGUF adapter cannot hold. ${MERGE_ADVICE}`,
    { tensor: name },
  );
}

function checkMatrix(path: string, { name, shape, dtype }: SafetensorsTensor): void {
  const fail = (problem: string) =>
    checkpointError(path, `the tensor '${name}' ${problem}.`, { tensor: name });
  if (shape.length !== 2 || shape.includes(0))
    throw fail(`has shape [${shape}]; expected a matrix`);
  if (!['F32', 'F16', 'BF16'].includes(dtype))
    throw fail(`has dtype ${dtype}; F32, F16, BF16 can be converted`);
}

function list(tensors: SafetensorsTensor[]): string {
  const names = tensors.slice(0, SHOWN).map(({ name }) => name);
  return `${names.join(', ')}${tensors.length > SHOWN ? ', …' : ''}`;
}
