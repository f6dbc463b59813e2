/**
 * The configuration of lmms-lab checkpoints: one flat config.json with the decoder's fields and LLaVA's own (`mm_*`).
 * It names its tower without describing it.
 * @see LLaVA-NeXT llava/model/llava_arch.py prepare_inputs_labels_for_multimodal (commit df17966)
 */
import { join } from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import {
  type JsonFile,
  jsonBoolean,
  jsonChoice,
  jsonSection,
  readOptionalJsonFile,
  wrongField,
} from './json-file.js';
import { type Anyres, type ModelConfig, parseMaxTiles, type StoredFacts } from './model-config.js';
import { parsePinpoints } from './pinpoints.js';

/** SO400M's 27th block is dropped by the reference, which works on the one before. */
const UNTRUNCATED_BLOCKS = 27;

/** @throws ERR_CHECKPOINT */
export async function readLmmsConfig(
  { path, config }: Checkpoint,
  { hasPoolingHead }: StoredFacts,
): Promise<ModelConfig> {
  jsonChoice(config, 'mm_projector_type', { allowed: ['mlp2x_gelu'] });
  jsonChoice(config, 'mm_patch_merge_type', { allowed: ['spatial_unpad'] });
  const tower = jsonSection(config, 'vision_config');
  return {
    text: config,
    isTied: jsonBoolean(config, 'tie_word_embeddings', false),
    tower: { ...tower, fields: { ...sizeInName(config), ...tower.fields } },
    countBlocks: (nStored) =>
      hasPoolingHead || nStored === UNTRUNCATED_BLOCKS ? nStored - 1 : nStored,
    preprocessor: await readOptionalJsonFile(join(path, 'preprocessor_config.json')),
    defaultMean: [0.5, 0.5, 0.5],
    defaultStd: [0.5, 0.5, 0.5],
    anyres: (imageSize) => readAnyres(config, imageSize),
    notes: [],
  };
}

/** Towers are named like "google/siglip-so400m-patch14-384". */
function sizeInName(config: JsonFile): { image_size?: number } {
  const { mm_vision_tower: name } = config.fields;
  const size = /-patch\d+-(\d+)$/.exec(typeof name === 'string' ? name : '')?.[1];
  return size === undefined ? {} : { image_size: Number(size) };
}

function readAnyres(config: JsonFile, imageSize: number): Anyres {
  const maxTiles = parseMaxTiles(config.fields.image_aspect_ratio);
  if (maxTiles === undefined)
    throw wrongField(config, 'image_aspect_ratio', "'anyres' or 'anyres_max_N'");
  return {
    pinpoints: parsePinpoints(config, imageSize),
    maxTiles,
    newlinePosition: jsonChoice(config, 'mm_newline_position', {
      allowed: ['one_token', 'grid', 'frame', 'no_token'],
      fallback: 'one_token',
    }),
    poolMode: jsonChoice(config, 'mm_spatial_pool_mode', {
      allowed: ['bilinear', 'average', 'max'],
      fallback: 'bilinear',
    }),
  };
}
