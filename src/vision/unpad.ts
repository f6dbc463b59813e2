/**
 * What is left of an assembled feature map: padding cropped away, then shrunk when it is much larger than `maxTiles`
 * tiles. The crop follows the image's proportions, not its pixels on the canvas, so it may keep a mixed row.
 * @see LLaVA-NeXT llava/model/llava_arch.py unpad_image, prepare_inputs_labels_for_multimodal (commit df17966)
 */
import type { Size } from './grid.js';

/** A map's size in patches. */
export interface MapSize {
  rows: number;
  cols: number;
}

export interface Crop extends MapSize {
  top: number;
  left: number;
}

/** A map up to this many times wider than `maxTiles` tiles in a square is left alone. */
const SHRINK_ABOVE = 1.1;

/**
 * @param unpaddedLength the dialect's rounding
 * @returns rows or cols of 0 for a line of an image on an even number of patches, as the reference
 */
export function cropPadding(
  image: Size,
  map: MapSize,
  unpaddedLength: (exact: number) => number,
): Crop {
  if (image.width / image.height > map.cols / map.rows) {
    const kept = unpaddedLength(image.height * (map.cols / image.width));
    const top = Math.floor((map.rows - kept) / 2);
    return { top, left: 0, rows: map.rows - 2 * top, cols: map.cols };
  }
  const kept = unpaddedLength(image.width * (map.rows / image.height));
  const left = Math.floor((map.cols - kept) / 2);
  return { top: 0, left, rows: map.rows, cols: map.cols - 2 * left };
}

/** @param maxTiles the 9 of anyres_max_9, or null to keep every map @param side patches per tile side */
export function shrink(map: MapSize, maxTiles: number | null, side: number): MapSize {
  if (maxTiles === null) return map;
  const ratio = Math.sqrt((map.rows * map.cols) / (maxTiles * side ** 2));
  if (ratio <= SHRINK_ABOVE) return map;
  // The reference would fail on an empty map, which only a grid far longer than maxTiles could give.
  return {
    rows: Math.max(1, floorDivide(map.rows, ratio)),
    cols: Math.max(1, floorDivide(map.cols, ratio)),
  };
}

/** Python's `a // b` of positive floats, which is not Math.floor(a / b) where the quotient rounds to an integer. */
function floorDivide(a: number, b: number): number {
  const quotient = (a - (a % b)) / b;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}
