/**
 * The configuration of lmms-lab checkpoints: one flat config.json with the decoder's fields and LLaVA's own (`mm_*`).
 * It names its tower without describing it.
 * @see LLaVA-NeXT llava/model/llava_arch.py prepare_inputs_labels_for_multimodal (commit df17966)
 */
import { join } from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import { checkpointError } from './checkpoint-error.js';
import {
  type JsonFile,
  jsonChoice,
  jsonInteger,
  jsonSection,
  readOptionalJsonFile,
  wrongField,
} from './json-file.js';
import {
  type Anyres,
  type ModelConfig,
  parseMaxTiles,
  type StoredFacts,
  type StoredTower,
} from './model-config.js';
import { parsePinpoints } from './pinpoints.js';
import { readTied } from './tied-head.js';

/** The reference drops the last block of SigLIP, before it saves; SO400M has 27. */
const SO400M = { width: 1152, stored: 26, untruncated: 27 };

/** @throws ERR_CHECKPOINT */
export async function readLmmsConfig(
  { path, config }: Checkpoint,
  { hasHead, hasPoolingHead }: StoredFacts,
): Promise<ModelConfig> {
  jsonChoice(config, 'mm_projector_type', { allowed: ['mlp2x_gelu'] });
  jsonChoice(config, 'mm_patch_merge_type', { allowed: ['spatial_unpad'] });
  const tower = jsonSection(config, 'vision_config');
  const { isTied, notes } = readTied([config], hasHead);
  return {
    text: { ...config, fields: { ...config.fields, rope_scaling: null } },
    isTied,
    tower: { ...tower, fields: { ...sizeInName(config), ...tower.fields } },
    countBlocks: (stored) => countBlocks(tower, stored, hasPoolingHead),
    preprocessor: await readOptionalJsonFile(join(path, 'preprocessor_config.json')),
    defaultMean: [0.5, 0.5, 0.5],
    defaultStd: [0.5, 0.5, 0.5],
    anyres: (imageSize) => readAnyres(config, imageSize),
    notes: [...notes, ...ropeNotes(config)],
  };
}

/** A depth that is stated counts the tower before or after the last block was dropped. */
function countBlocks(tower: JsonFile, stored: StoredTower, hasPoolingHead: boolean): number {
  const isStated = (tower.fields.num_hidden_layers ?? null) !== null;
  const nBlocks = jsonInteger(tower, 'num_hidden_layers', stored.nBlocks);
  if (nBlocks === SO400M.stored || nBlocks === SO400M.untruncated) return SO400M.stored;
  if (isStated || stored.nEmbd !== SO400M.width) return hasPoolingHead ? nBlocks - 1 : nBlocks;
  if (nBlocks < SO400M.stored) return SO400M.stored;
  throw checkpointError(
    tower.path,
    `${nBlocks} blocks are stored of a tower as wide as SigLIP SO400M (${SO400M.width}), which has ${SO400M.untruncated}; ` +
      'state the depth of another one as "vision_config.num_hidden_layers".',
  );
}

/** @see LLaVA-NeXT llava/model/language_model/llava_qwen.py, which sets rope_scaling to None (commit df17966) */
function ropeNotes(config: JsonFile): string[] {
  return (config.fields.rope_scaling ?? null) === null
    ? []
    : [`${config.path}: "rope_scaling" is ignored, as the reference does.`];
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
