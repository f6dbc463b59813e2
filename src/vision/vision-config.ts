/**
 * What an mmproj file says about its tower and about how images become rows. Everything is checked here, so that a
 * malformed file, or one for another kind of model, is refused before ggml sees it. Keys are clip.cpp's, and ours under
 * `llavaov.*`, which are optional: files made for llama.cpp open too.
 * `clip.use_gelu` is not read: SigLIP's GELU is the tanh one, and llama.cpp's own converter writes false for it.
 * @see tools/mtmd/clip.cpp `load_hparams` (llama.cpp v0.5.0)
 */
import { DIALECTS, type Dialect } from '../dialect.js';
import type { CheckedFile } from '../files/checked-file.js';
import {
  type GgufFile,
  ggufBoolean,
  ggufInteger,
  ggufNumber,
  ggufNumbers,
  ggufString,
  modelLoadError,
  type RemoteFile,
  readGguf,
} from '../gguf/reader.js';
import type { Size } from './grid.js';
import type { TileGeometry } from './image-plan.js';
import { checkTowerTensors, projectorWidth } from './vision-tensors.js';

export interface VisionConfig extends TileGeometry {
  path: string;
  checked: CheckedFile;
  /** Pixels of a patch's side. */
  patchSize: number;
  nEmbd: number;
  /** As stored, padding included. */
  nFfn: number;
  nHead: number;
  /** Blocks to run; the file may store more. */
  nLayer: number;
  layerNormEpsilon: number;
  /** For pixels scaled to 0-1. */
  imageMean: [number, number, number];
  imageStd: [number, number, number];
  poolMode: PoolMode;
  /** Patches of a video frame that become one, per side. */
  poolStride: number;
  newlineMode: NewlineMode;
  dialect: Dialect;
  /** Bytes of the tensors that are used. */
  tensorBytes: number;
}

const POOL_MODES = ['bilinear', 'average', 'max'] as const;
const NEWLINE_MODES = ['one_token', 'grid', 'frame', 'no_token'] as const;
export type PoolMode = (typeof POOL_MODES)[number];
/** Where newlines stand in a video's rows; an image has one after each row of its map. */
export type NewlineMode = (typeof NEWLINE_MODES)[number];

const FORMAT_VERSION = 1;
const MAX_TILES_PER_SIDE = 16;
const MAX_WIDTH = 1 << 18;

/** @param from as readGguf's @throws ERR_MODEL_LOAD naming the key or the tensor */
export async function readVisionConfig(path: string, from?: RemoteFile): Promise<VisionConfig> {
  const file = await readGguf(path, from);
  checkKind(file);
  const tower = readTower(file);
  const tensorBytes = checkTowerTensors(file, { ...tower, nPatches: tower.side ** 2 });
  return {
    path,
    checked: file.checked,
    ...tower,
    imageMean: readChannels(file, 'clip.vision.image_mean', () => true),
    imageStd: readChannels(file, 'clip.vision.image_std', (value) => Math.fround(value) > 0),
    pinpoints: readPinpoints(file, tower.imageSize),
    ...readOwnKeys(file),
    tensorBytes,
  };
}

function checkKind(file: GgufFile): void {
  const architecture = ggufString(file, 'general.architecture');
  if (architecture !== 'clip')
    throw modelLoadError(
      file.path,
      `it looks like a decoder (its architecture is '${architecture}'); expected the mmproj (vision) file.`,
    );
  if (!ggufBoolean(file, 'clip.has_vision_encoder', false))
    throw modelLoadError(file.path, 'it has no vision tower.');
  const key = ['clip.projector_type', 'clip.vision.projector_type'].find((name) =>
    file.metadata.has(name),
  );
  expectValue(file, key ?? 'clip.projector_type', ['mlp']);
  expectValue(file, 'clip.vision.mm_patch_merge_type', ['spatial_unpad']);
}

function readTower(file: GgufFile) {
  const integer = (key: string, max: number) =>
    ggufInteger(file, `clip.vision.${key}`, { min: 1, max });
  const imageSize = integer('image_size', 4096);
  const patchSize = integer('patch_size', imageSize);
  const nEmbd = integer('embedding_length', MAX_WIDTH);
  const nHead = integer('attention.head_count', nEmbd);
  const headDim = ggufInteger(file, 'clip.vision.attention.head_dim', {
    min: 1,
    max: nEmbd,
    fallback: Math.floor(nEmbd / nHead),
  });
  if (headDim * nHead !== nEmbd)
    throw modelLoadError(
      file.path,
      `${nHead} heads of ${headDim} do not make an embedding length of ${nEmbd}.`,
    );
  const layerNormEpsilon = ggufNumber(file, 'clip.vision.attention.layer_norm_epsilon');
  if (!(layerNormEpsilon > 0 && layerNormEpsilon < 1))
    throw modelLoadError(file.path, `a layer norm epsilon of ${layerNormEpsilon} is out of range.`);
  return {
    imageSize,
    patchSize,
    side: Math.floor(imageSize / patchSize),
    nEmbd,
    nHead,
    nFfn: integer('feed_forward_length', MAX_WIDTH),
    nLayer: readLayerCount(file),
    layerNormEpsilon,
    nProjection: projectorWidth(file),
  };
}

/** clip.cpp's rule: up to the named layer, or all but the last block. */
function readLayerCount(file: GgufFile): number {
  const nStored = ggufInteger(file, 'clip.vision.block_count', { min: 1, max: 512 });
  const layers = ggufNumbers(file, 'clip.vision.feature_layer', [nStored - 1]);
  const [layer] = layers;
  const isBlock = Number.isInteger(layer) && layer! >= 1 && layer! <= nStored;
  if (layers.length !== 1 || !isBlock)
    throw modelLoadError(
      file.path,
      `'clip.vision.feature_layer' must name one of ${nStored} blocks but is [${layers}].`,
    );
  return layer!;
}

function readChannels(
  file: GgufFile,
  key: string,
  isInRange: (value: number) => boolean,
): [number, number, number] {
  const values = ggufNumbers(file, key);
  if (values.length !== 3 || !values.every((value) => isFloat(value) && isInRange(value)))
    throw modelLoadError(file.path, `the key '${key}' must be three numbers but is [${values}].`);
  return values as [number, number, number];
}

/** They are computed with in f32. */
function isFloat(value: number): boolean {
  return Number.isFinite(Math.fround(value));
}

/** Stored flat: width, height, width, height, … */
function readPinpoints(file: GgufFile, imageSize: number): Size[] {
  const key = 'clip.vision.image_grid_pinpoints';
  const values = ggufNumbers(file, key);
  const isSide = (value: number) =>
    value % imageSize === 0 && value > 0 && value <= MAX_TILES_PER_SIDE * imageSize;
  if (values.length === 0 || values.length % 2 !== 0 || !values.every(isSide))
    throw modelLoadError(
      file.path,
      `the key '${key}' must be pairs of multiples of the tile size ${imageSize}, ` +
        `up to ${MAX_TILES_PER_SIDE} tiles a side.`,
    );
  return Array.from({ length: values.length / 2 }, (_, i) => ({
    width: values[2 * i]!,
    height: values[2 * i + 1]!,
  }));
}

function readOwnKeys(file: GgufFile) {
  ggufInteger(file, 'llavaov.version', { min: 1, max: FORMAT_VERSION, fallback: FORMAT_VERSION });
  const maxTiles = ggufInteger(file, 'llavaov.anyres_max', { min: 0, max: 1 << 20, fallback: 9 });
  return {
    /** 0 is plain anyres. */
    maxTiles: maxTiles === 0 ? null : maxTiles,
    dialect: expectValue(file, 'llavaov.dialect', DIALECTS, 'llava-next'),
    poolMode: expectValue(file, 'llavaov.pool_mode', POOL_MODES, 'bilinear'),
    poolStride: ggufInteger(file, 'llavaov.pool_stride', { min: 1, max: 64, fallback: 2 }),
    newlineMode: expectValue(file, 'llavaov.newline_position', NEWLINE_MODES, 'one_token'),
  };
}

function expectValue<T extends string>(
  file: GgufFile,
  key: string,
  allowed: readonly T[],
  fallback?: T,
): T {
  const value = ggufString(file, key, fallback);
  const known = allowed.find((item) => item === value);
  if (known === undefined)
    throw modelLoadError(
      file.path,
      `the key '${key}' is '${value}'; supported: ${allowed.map((item) => `'${item}'`).join(', ')}.`,
    );
  return known;
}
