/**
 * Pixels to tiles, byte for byte as the reference cuts them with Pillow. The canvas itself is never built: a tile is
 * black, and the part of the resized image that falls on it is copied in.
 */
import type { NativeBinding } from '../binding.js';
import type { RgbImage } from '../media/image.js';
import type { ImagePlan, TileGeometry } from './image-plan.js';

/** int(255 * 0.5), the processor's mean colour. */
const GREY = 127;
const CHANNELS = 3;
const BAND_BYTES = 16 << 20;

/**
 * RGB tiles [plan.nTiles, T, T, 3] with T = config.imageSize: the overview, then the grid row by row; or the one padded tile.
 * @param plan made from the size of this image
 */
export async function cutTiles(
  image: RgbImage,
  plan: ImagePlan,
  config: Pick<TileGeometry, 'imageSize'>,
  binding: NativeBinding,
): Promise<Uint8Array> {
  const side = config.imageSize;
  if (plan.kind === 'pad') return (await padToSquare(image, plan, { side, binding })).data;
  const overview = await squash(image, side, binding);
  const tileBytes = side * side * CHANNELS;
  const tiles = new Uint8Array(plan.nTiles * tileBytes);
  tiles.set(overview.data);
  if (!plan.map) return tiles;
  const resized = await resize(image, plan.resized, binding);
  const { cols } = plan.map;
  for (let i = 1; i < plan.nTiles; i++) {
    const data = tiles.subarray(i * tileBytes, (i + 1) * tileBytes);
    const col = (i - 1) % cols;
    const row = Math.floor((i - 1) / cols);
    const { x, y } = plan.offset;
    paste(resized, { width: side, height: side, data }, { x: x - col * side, y: y - row * side });
  }
  return tiles;
}

/** The whole image as one tile [side, side, 3], its proportions ignored. */
export function squash(image: RgbImage, side: number, binding: NativeBinding): Promise<RgbImage> {
  return resize(image, { width: side, height: side }, binding);
}

/**
 * The image on a grey square, resized to a tile. A long image's square would not fit in memory, so the rows are
 * resized across in bands and then once down: the same two passes, in the same order, as over the whole square.
 */
async function padToSquare(
  image: RgbImage,
  { canvas, offset }: ImagePlan,
  { side, binding }: { side: number; binding: NativeBinding },
): Promise<RgbImage> {
  const narrow = greyImage(side, canvas.height);
  const bandHeight = Math.max(1, Math.floor(BAND_BYTES / (canvas.width * CHANNELS)));
  for (let top = 0; top < image.height; top += bandHeight) {
    const height = Math.min(bandHeight, image.height - top);
    const band = greyImage(canvas.width, height);
    paste(image, band, { x: offset.x, y: -top });
    const squeezed = await resize(band, { width: side, height }, binding);
    paste(squeezed, narrow, { x: 0, y: offset.y + top });
  }
  return resize(narrow, { width: side, height: side }, binding);
}

function greyImage(width: number, height: number): RgbImage {
  return { width, height, data: new Uint8Array(width * height * CHANNELS).fill(GREY) };
}

/** Copies `from` into `to` with its top left corner at `at`; what falls outside is cut off. */
function paste(from: RgbImage, to: RgbImage, at: { x: number; y: number }): void {
  const left = Math.max(0, at.x);
  const right = Math.min(to.width, at.x + from.width);
  const bottom = Math.min(to.height, at.y + from.height);
  if (left >= right) return;
  for (let y = Math.max(0, at.y); y < bottom; y++) {
    const start = ((y - at.y) * from.width + left - at.x) * CHANNELS;
    const row = from.data.subarray(start, start + (right - left) * CHANNELS);
    to.data.set(row, (y * to.width + left) * CHANNELS);
  }
}

async function resize(
  { width, height, data }: RgbImage,
  to: { width: number; height: number },
  binding: NativeBinding,
): Promise<RgbImage> {
  if (width === to.width && height === to.height) return { width, height, data };
  return { ...to, data: await binding.resizeBicubic(data, width, height, to.width, to.height) };
}
