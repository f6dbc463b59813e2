/**
 * The configuration of transformers' checkpoints (llava-hf and what save_pretrained writes): config.json with a
 * section for the decoder and one for the tower, each without the fields that have their class's default.
 * @see models/llava_onevision/configuration_llava_onevision.py, models/qwen2/configuration_qwen2.py,
 *   models/siglip/configuration_siglip.py (transformers 5.18.0)
 */
import { join } from 'node:path';
import { isRecord } from '../option-checks.js';
import type { Checkpoint } from './checkpoint.js';
import {
  type JsonFile,
  jsonBoolean,
  jsonChoice,
  jsonInteger,
  jsonSection,
  readJsonFileIfAny,
  wrongField,
} from './json-file.js';
import { type Anyres, type ModelConfig, parseMaxTiles, type StoredFacts } from './model-config.js';
import { parsePinpoints } from './pinpoints.js';
import { readTied } from './tied-head.js';

const QWEN2 = {
  hidden_size: 4096,
  intermediate_size: 22016,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-6,
};
const QWEN2_ROPE_THETA = 10000;

/** Where the section is there, and where it is not. */
const SIGLIP = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  image_size: 224,
  patch_size: 16,
};
const SIGLIP_SO400M = {
  hidden_size: 1152,
  intermediate_size: 4304,
  num_hidden_layers: 26,
  num_attention_heads: 16,
  image_size: 384,
  patch_size: 14,
};

/** The image processor's own defaults, which are CLIP's; published files name SigLIP's 0.5. */
const DEFAULT_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const DEFAULT_STD = [0.26862954, 0.26130258, 0.27577711] as const;
const DEFAULT_PINPOINTS = [1, 2, 3, 4, 5, 6].flatMap((a) =>
  [1, 2, 3, 4, 5, 6].map((b) => [384 * a, 384 * b]),
);

/** @throws ERR_CHECKPOINT */
export async function readTransformersConfig(
  { path, config }: Checkpoint,
  { hasHead }: StoredFacts,
): Promise<ModelConfig> {
  checkKind(config);
  const text = textSection(config);
  const tower = towerSection(config);
  const processor = await readImageProcessor(path);
  const siglip = [0.5, 0.5, 0.5] as const;
  const { isTied, notes } = readTied([config, text], hasHead);
  return {
    text,
    isTied,
    tower,
    countBlocks: () => countBlocks(config, tower),
    preprocessor: processor ?? { path: join(path, 'preprocessor_config.json'), fields: {} },
    defaultMean: processor ? DEFAULT_MEAN : siglip,
    defaultStd: processor ? DEFAULT_STD : siglip,
    anyres: (imageSize) => readAnyres(config, processor, imageSize),
    notes: processor
      ? notes
      : [
          ...notes,
          `${path} has no preprocessor_config.json: pixels are normalised with SigLIP's 0.5.`,
        ],
  };
}

/** What the tower and projector we have cannot run. */
function checkKind(config: JsonFile): void {
  jsonChoice(config, 'projector_hidden_act', { allowed: ['gelu'], fallback: 'gelu' });
  jsonChoice(config, 'vision_feature_select_strategy', { allowed: ['full'], fallback: 'full' });
  if (!jsonBoolean(config, 'multimodal_projector_bias', true))
    throw wrongField(config, 'multimodal_projector_bias', 'true');
}

function textSection(config: JsonFile): JsonFile {
  const section = jsonSection(config, 'text_config');
  jsonChoice(section, 'model_type', { allowed: ['qwen2'], fallback: 'qwen2' });
  const { layer_types: types } = section.fields;
  if (Array.isArray(types) && types.some((type) => type !== 'full_attention'))
    throw wrongField(section, 'layer_types', 'full attention in every layer');
  const fields: Record<string, unknown> = { ...QWEN2, ...section.fields };
  fields.num_key_value_heads ??= fields.num_attention_heads;
  if (!isRecord(fields.rope_parameters)) fields.rope_theta ??= QWEN2_ROPE_THETA;
  return { ...section, fields };
}

function towerSection(config: JsonFile): JsonFile {
  if ((config.fields.vision_config ?? null) === null)
    return { path: config.path, section: 'vision_config', fields: SIGLIP_SO400M };
  const section = jsonSection(config, 'vision_config');
  jsonChoice(section, 'model_type', {
    allowed: ['siglip_vision_model'],
    fallback: 'siglip_vision_model',
  });
  jsonChoice(section, 'hidden_act', {
    allowed: ['gelu_pytorch_tanh'],
    fallback: 'gelu_pytorch_tanh',
  });
  return { ...section, fields: { ...SIGLIP, ...section.fields } };
}

/** `vision_feature_layer` counts hidden states: 0 is the tower's input, -1 the output of its last block. */
function countBlocks(config: JsonFile, tower: JsonFile): number {
  const nBlocks = jsonInteger(tower, 'num_hidden_layers');
  const { vision_feature_layer: layer = -1 } = config.fields;
  const count = typeof layer === 'number' && layer < 0 ? nBlocks + 1 + layer : layer;
  if (!Number.isSafeInteger(count) || (count as number) < 1 || (count as number) > nBlocks)
    throw wrongField(config, 'vision_feature_layer', `one layer of a tower of ${nBlocks}`);
  return count as number;
}

/** transformers 5 may keep it inside processor_config.json. */
async function readImageProcessor(folder: string): Promise<JsonFile | undefined> {
  const file = await readJsonFileIfAny(join(folder, 'preprocessor_config.json'));
  if (file) return file;
  const processor = await readJsonFileIfAny(join(folder, 'processor_config.json'));
  return processor && isRecord(processor.fields.image_processor)
    ? jsonSection(processor, 'image_processor')
    : undefined;
}

/** transformers reads pinpoints as (height, width). */
function readAnyres(config: JsonFile, processor: JsonFile | undefined, imageSize: number): Anyres {
  const maxTiles = parseMaxTiles(config.fields.vision_aspect_ratio ?? 'anyres_max_9');
  if (maxTiles === undefined)
    throw wrongField(config, 'vision_aspect_ratio', "'anyres' or 'anyres_max_N'");
  const stated = [config, ...(processor ? [processor] : [])].find(
    ({ fields }) => (fields.image_grid_pinpoints ?? null) !== null,
  );
  const source = stated ?? { ...config, fields: { image_grid_pinpoints: DEFAULT_PINPOINTS } };
  return {
    pinpoints: parsePinpoints(source, imageSize).map(([height, width]) => [width, height]),
    maxTiles,
    newlinePosition: 'one_token',
    poolMode: 'bilinear',
  };
}
