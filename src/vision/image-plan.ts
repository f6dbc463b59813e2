/**
 * Everything about an image that its size decides: canvas, tiles, feature map, number of visual rows. No pixels here,
 * so a prompt can be laid out before anything is decoded.
 */
import type { NativeMapOptions } from '../binding.js';
import { type Dialect, dialectRules } from '../dialect.js';
import { centred, chooseCanvas, fitInside, type Grid, type Placement, type Size } from './grid.js';
import { cropPadding, type MapSize, shrink } from './unpad.js';

/** What several images in one conversation become: 'pad' is one grey-padded square tile and a newline each, as the
 *  model was trained; 'pad-no-newline' leaves the newline out, as lmms-eval does; 'anyres' treats each like a single one. */
export type MultiImage = 'pad' | 'anyres' | 'pad-no-newline';

export const MULTI_IMAGE: readonly MultiImage[] = ['pad', 'anyres', 'pad-no-newline'];

export interface ImagePlanOptions {
  dialect: Dialect;
  /** Images in the whole conversation, videos not counted. */
  imageCount: number;
  /** Default 'pad'. */
  multiImage?: MultiImage;
}

/** The part of VisionConfig that geometry depends on. */
export interface TileGeometry {
  /** Pixels of a tile's side. */
  imageSize: number;
  /** Patches per tile side. */
  side: number;
  pinpoints: readonly Size[];
  maxTiles: number | null;
  /** Width of a visual row. */
  nProjection: number;
}

export interface ImagePlan extends Placement {
  /** 'anyres': the overview, then a grid of tiles. 'pad': one tile of the image on a grey square. */
  kind: 'anyres' | 'pad';
  grid: Grid | null;
  /** Pixels; with kind 'pad' a square that is then resized to a tile. */
  canvas: Size;
  /** Tiles to encode, overview included. */
  nTiles: number;
  /** How the grid's features become one map; null when no patch of them is used. */
  map: NativeMapOptions | null;
  unpadded: MapSize;
  final: MapSize;
  /** Visual rows, newlines included. */
  rows: number;
}

/**
 * @param size pixels after orientation, positive integers
 * @throws ERR_INVALID_ARGUMENT for an unknown dialect
 */
export function planImage(
  size: Size,
  config: TileGeometry,
  { dialect, imageCount, multiImage = 'pad' }: ImagePlanOptions,
): ImagePlan {
  const { unpaddedLength } = dialectRules(dialect);
  if (imageCount === 1 || multiImage === 'anyres') return planAnyres(size, config, unpaddedLength);
  return planPadded(size, config, multiImage === 'pad' ? 1 : 0);
}

function planAnyres(
  size: Size,
  config: TileGeometry,
  unpaddedLength: (exact: number) => number,
): ImagePlan {
  const { imageSize, side, maxTiles, nProjection } = config;
  const canvas = chooseCanvas(size, config.pinpoints);
  const grid = { cols: canvas.width / imageSize, rows: canvas.height / imageSize };
  const assembled = { rows: grid.rows * side, cols: grid.cols * side };
  const crop = cropPadding(size, assembled, unpaddedLength);
  const unpadded = { rows: crop.rows, cols: crop.cols };
  const final = shrink(unpadded, maxTiles, side);
  const isEmpty = final.rows * final.cols === 0;
  return {
    kind: 'anyres',
    grid,
    canvas,
    ...fitInside(size, canvas),
    nTiles: isEmpty ? 1 : 1 + grid.cols * grid.rows,
    map: isEmpty
      ? null
      : {
          ...grid,
          side,
          nEmbd: nProjection,
          cropTop: crop.top,
          cropLeft: crop.left,
          cropRows: crop.rows,
          cropCols: crop.cols,
          outRows: final.rows,
          outCols: final.cols,
        },
    unpadded,
    final,
    rows: side ** 2 + final.rows * (final.cols + 1),
  };
}

/** @see LLaVA-NeXT llava/mm_utils.py expand2square: a tile's rows in full, then newlines */
function planPadded(size: Size, { side }: TileGeometry, nNewlines: number): ImagePlan {
  const length = Math.max(size.width, size.height);
  const canvas = { width: length, height: length };
  return {
    kind: 'pad',
    grid: null,
    canvas,
    resized: size,
    offset: centred(size, canvas),
    nTiles: 1,
    map: null,
    unpadded: { rows: side, cols: side },
    final: { rows: side, cols: side },
    rows: side ** 2 + nNewlines,
  };
}
