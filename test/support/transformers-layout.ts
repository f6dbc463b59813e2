/** Writes a checkpoint of the lmms-lab layout again as transformers writes the same model: other names, other config files. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTensorTable } from '../../src/convert/checkpoint.js';
import type { SafetensorsTensor } from '../../src/convert/safetensors.js';
import { bf16ToFloats, floatsToF16 } from './floats.js';
import { safetensorsBytes, type TestTensor } from './safetensors.js';

export interface RewriteOptions {
  /** 'saved': llava-hf files and save_pretrained; 'in-memory': the names of the module tree since 4.52. */
  names: 'saved' | 'in-memory';
  /** "vision_model." in the tower's names, which transformers 5 drops. Default true. */
  hasSegment?: boolean;
  dtype?: 'BF16' | 'F16' | 'F32';
  nShards?: number;
  /** transformers 5 writes rope_parameters, and the image processor into processor_config.json. Default 4. */
  version?: 4 | 5;
  /** Last word on config.json and the tensors. */
  edit?: (config: TransformersConfig, tensors: Record<string, TestTensor>) => void;
}

export interface TransformersConfig extends Record<string, unknown> {
  text_config: Record<string, unknown>;
  vision_config: Record<string, unknown>;
}

export async function rewriteAsTransformers(
  source: string,
  target: string,
  options: RewriteOptions,
): Promise<void> {
  const { edit = () => {}, nShards = 1, dtype = 'BF16' } = options;
  mkdirSync(target, { recursive: true });
  const tensors: Record<string, TestTensor> = {};
  const table = await readTensorTable(source);
  for (const tensor of table.values())
    tensors[rename(tensor.name, options)] = asDtype(tensor, dtype);
  const config = transformersConfig(readJson(source, 'config.json'), table, options.version ?? 4);
  edit(config, tensors);
  const write = (name: string, value: unknown) =>
    writeFileSync(join(target, name), JSON.stringify(value, null, 2));
  write('config.json', config);
  writeProcessor(write, readJson(source, 'preprocessor_config.json'), config, options.version ?? 4);
  const { eos_token_id, bos_token_id } = config.text_config;
  write('generation_config.json', { _from_model_config: true, bos_token_id, eos_token_id });
  for (const name of readdirSync(source))
    if (/token|vocab|merges/.test(name))
      writeFileSync(join(target, name), readFileSync(join(source, name)));
  writeShards(target, Object.entries(tensors), nShards);
}

const parts: [from: RegExp, saved: string, inMemory: string][] = [
  [/^model\.vision_tower\.vision_tower\./, 'vision_tower.', 'model.vision_tower.'],
  [
    /^model\.mm_projector\.0\./,
    'multi_modal_projector.linear_1.',
    'model.multi_modal_projector.linear_1.',
  ],
  [
    /^model\.mm_projector\.2\./,
    'multi_modal_projector.linear_2.',
    'model.multi_modal_projector.linear_2.',
  ],
  [/^model\.image_newline$/, 'image_newline', 'model.image_newline'],
  [/^lm_head\./, 'language_model.lm_head.', 'lm_head.'],
  [/^model\./, 'language_model.model.', 'model.language_model.'],
];

function rename(name: string, { names, hasSegment = true }: RewriteOptions): string {
  const [from, saved, inMemory] = parts.find(([pattern]) => pattern.test(name))!;
  const renamed = name.replace(from, names === 'saved' ? saved : inMemory);
  return hasSegment ? renamed : renamed.replace('vision_tower.vision_model.', 'vision_tower.');
}

function asDtype({ file, offset, bytes, shape }: SafetensorsTensor, dtype: string): TestTensor {
  const data = Uint8Array.from(readFileSync(file).subarray(offset, offset + bytes));
  if (dtype === 'BF16') return { dtype, shape, data };
  const floats = bf16ToFloats(data);
  const values = dtype === 'F16' ? floatsToF16(floats) : floats;
  return { dtype, shape, data: new Uint8Array(values.buffer) };
}

function transformersConfig(
  lmms: Record<string, unknown>,
  tensors: Map<string, SafetensorsTensor>,
  version: 4 | 5,
): TransformersConfig {
  const tower = 'model.vision_tower.vision_tower.vision_model';
  const sizeOf = (name: string) => tensors.get(`${tower}.${name}`)!.shape;
  const patches = sizeOf('embeddings.patch_embedding.weight');
  const { rope_theta, tie_word_embeddings } = lmms;
  const copied = ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads']
    .concat(['num_key_value_heads', 'bos_token_id', 'eos_token_id', 'vocab_size'])
    .map((key) => [key, lmms[key]]);
  const pinpoints = lmms.image_grid_pinpoints as number[][];
  return {
    architectures: ['LlavaOnevisionForConditionalGeneration'],
    model_type: 'llava_onevision',
    image_grid_pinpoints: pinpoints,
    tie_word_embeddings,
    vision_aspect_ratio: 'anyres_max_9',
    vision_feature_layer: -1,
    vision_feature_select_strategy: 'full',
    text_config: {
      ...Object.fromEntries(copied),
      model_type: 'qwen2',
      tie_word_embeddings,
      ...(version === 5
        ? { rope_parameters: { rope_theta, rope_type: 'default' } }
        : { rope_theta }),
    },
    vision_config: {
      model_type: 'siglip_vision_model',
      hidden_size: patches[0]!,
      intermediate_size: sizeOf('encoder.layers.0.mlp.fc1.weight')[0]!,
      num_hidden_layers: [...tensors.keys()].filter((name) => name.endsWith('mlp.fc1.bias')).length,
      num_attention_heads: patches[0]! / 72,
      image_size: pinpoints[0]![0]!,
      patch_size: patches[2]!,
      vision_use_head: false,
    },
  };
}

function writeProcessor(
  write: (name: string, value: unknown) => void,
  lmms: Record<string, unknown>,
  config: TransformersConfig,
  version: 4 | 5,
): void {
  const side = config.vision_config.image_size;
  const { image_mean, image_std } = lmms;
  const processor = {
    image_processor_type: 'LlavaOnevisionImageProcessor',
    size: { height: side, width: side },
    crop_size: null,
    image_grid_pinpoints: config.image_grid_pinpoints,
    image_mean,
    image_std,
    resample: 3,
  };
  if (version === 4) write('preprocessor_config.json', processor);
  else write('processor_config.json', { image_processor: processor, num_image_tokens: 64 });
}

function writeShards(folder: string, tensors: [string, TestTensor][], nShards: number): void {
  if (nShards === 1) {
    const bytes = safetensorsBytes(Object.fromEntries(tensors));
    writeFileSync(join(folder, 'model.safetensors'), bytes);
    return;
  }
  const weight_map: Record<string, string> = {};
  const number = (value: number) => String(value).padStart(5, '0');
  for (let index = 0; index < nShards; index++) {
    const name = `model-${number(index + 1)}-of-${number(nShards)}.safetensors`;
    const share = tensors.filter((_, i) => i % nShards === index);
    writeFileSync(join(folder, name), safetensorsBytes(Object.fromEntries(share)));
    for (const [tensor] of share) weight_map[tensor] = name;
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
}

function readJson(folder: string, name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'));
}
