/** Makes PEFT adapters of random values for the demo checkpoint, and checkpoints into which they are merged. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTensorTable } from '../../src/convert/checkpoint.js';
import { toFloats } from './floats.js';
import { randomNormal } from './random.js';
import { safetensorsBytes, type TestTensor } from './safetensors.js';

export const DEMO = join(import.meta.dirname, '../../demo/checkpoint');
const EMBEDDING = 'model.embed_tokens';
export const PREFIX = 'base_model.model.';

export interface LoraSpec {
  /** lmms-lab's names, "model.layers.0.mlp.up_proj". */
  modules: string[];
  rank?: number;
  /** By module, where they differ. */
  ranks?: Record<string, number>;
  seed?: number;
  /** Fields of adapter_config.json. */
  config?: Record<string, unknown>;
  /** The layout's name of a module. */
  rename?: (module: string) => string;
  /** Tensors by their names in the file. */
  extra?: Record<string, TestTensor>;
}

export interface Lora {
  folder: string;
  /** Row-major: a [rank, columns], b [rows, rank]. */
  pairs: Map<string, { rank: number; a: Float32Array; b: Float32Array }>;
}

/** The modules of a block, by their last names. */
export function blockModules(block: number, names: string[]): string[] {
  return names.map((name) => {
    const part = name.endsWith('up_proj') || /gate|down/.test(name) ? 'mlp' : 'self_attn';
    return `model.layers.${block}.${part}.${name}`;
  });
}

export const ALL_NAMES = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'].map((name) => `${name}_proj`);

export async function writeLora(folder: string, spec: LoraSpec): Promise<Lora> {
  const { rank = 4, ranks = {}, config = {}, rename = (module) => module } = spec;
  const random = randomNormal(spec.seed ?? 1);
  const shapes = await readTensorTable(DEMO);
  const pairs: Lora['pairs'] = new Map();
  const tensors: Record<string, TestTensor> = {};
  for (const module of spec.modules) {
    const stored = module === 'lm_head' ? EMBEDDING : module;
    const [rows, columns] = shapes.get(`${stored}.weight`)!.shape as [number, number];
    const r = ranks[module] ?? rank;
    const values = (n: number, scale: number) =>
      Float32Array.from({ length: n }, () => random() * scale);
    const pair = {
      rank: r,
      a: values(r * columns, columns ** -0.5),
      b: values(rows * r, 0.3 * r ** -0.5),
    };
    pairs.set(module, pair);
    // Of an embedding PEFT stores the factors of the transposed matrix.
    const [a, b] =
      module === EMBEDDING
        ? [
            ['lora_embedding_A', tensor([r, rows], transpose(pair.b, rows))],
            ['lora_embedding_B', tensor([columns, r], transpose(pair.a, r))],
          ]
        : [
            ['lora_A.weight', tensor([r, columns], pair.a)],
            ['lora_B.weight', tensor([rows, r], pair.b)],
          ];
    for (const [name, value] of [a, b] as [string, TestTensor][])
      tensors[`${PREFIX}${rename(module)}.${name}`] = value;
  }
  mkdirSync(folder, { recursive: true });
  const bytes = safetensorsBytes({ ...tensors, ...spec.extra });
  writeFileSync(join(folder, 'adapter_model.safetensors'), bytes);
  writeConfig(folder, { r: rank, ...config });
  return { folder, pairs };
}

export function writeConfig(folder: string, fields: Record<string, unknown>): void {
  const config = {
    ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', bias: 'none', lora_alpha: 8 },
    ...{ base_model_name_or_path: 'owner/model', use_rslora: false, use_dora: false },
    ...{ rank_pattern: {}, alpha_pattern: {}, modules_to_save: null, init_lora_weights: true },
    ...{ fan_in_fan_out: false, lora_bias: false, layer_replication: null, target_modules: [] },
    ...fields,
  };
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(config));
}

export function tensor(shape: number[], values: Float32Array): TestTensor {
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer) };
}

/** @param rows of the matrix */
export function transpose(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** Writes the demo checkpoint in f32 with `factor(module)` times B·A of each adapter added; untied if it has to be. */
export async function writeMerged(
  folder: string,
  changes: { lora: Lora; factor: (module: string) => number }[],
  { isUntied = false } = {},
): Promise<string> {
  cpSync(DEMO, folder, { recursive: true });
  const tensors: Record<string, TestTensor & { values: Float32Array }> = {};
  for (const { name, dtype, shape, file, offset, bytes } of (
    await readTensorTable(DEMO)
  ).values()) {
    const values = toFloats(dtype, readFileSync(file).subarray(offset, offset + bytes));
    tensors[name] = { ...tensor(shape, values), values };
  }
  if (isUntied) {
    const { shape, values } = tensors[`${EMBEDDING}.weight`]!;
    const copy = values.slice();
    tensors['lm_head.weight'] = { ...tensor(shape, copy), values: copy };
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify({ ...config, tie_word_embeddings: false }),
    );
  }
  for (const { lora, factor } of changes)
    for (const [module, pair] of lora.pairs)
      addProduct(tensors[`${module}.weight`]!.values, pair, factor(module));
  writeFileSync(join(folder, 'model.safetensors'), safetensorsBytes(tensors));
  return folder;
}

function addProduct(
  weights: Float32Array,
  { rank, a, b }: { rank: number; a: Float32Array; b: Float32Array },
  factor: number,
): void {
  const columns = a.length / rank;
  for (let i = 0; i < weights.length; i++) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += b[row * rank + k]! * a[k * columns + column]!;
    weights[i] = weights[i]! + factor * sum;
  }
}
