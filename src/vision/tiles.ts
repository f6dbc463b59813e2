/**
 * Pixels to tiles, byte for byte as the reference cuts them with Pillow. The canvas itself is never built: a tile is
 * black, and the part of the resized image that falls on it is copied in.
 */
import { callCancellable } from '../addon/call-cancellable.js';
import type { NativeBinding, NativeCancel } from '../binding.js';
import type { RgbImage } from '../media/image.js';
import type { ImagePlan, TileGeometry } from './image-plan.js';

/** int(255 * 0.5), the processor's mean colour. */
const GREY = 127;
const CHANNELS = 3;

export interface Cutter {
  config: Pick<TileGeometry, 'imageSize'>;
  binding: NativeBinding;
  /** An abort takes effect between two rows. */
  signal?: AbortSignal | undefined;
}

/**
 * RGB tiles [plan.nTiles, T, T, 3] with T = config.imageSize: the overview, then the grid row by row; or the one padded tile.
 * @param plan made from the size of this image
 * @throws signal.reason
 */
export function cutTiles(
  image: RgbImage,
  plan: ImagePlan,
  { config, binding, signal }: Cutter,
): Promise<Uint8Array> {
  const side = config.imageSize;
  return callCancellable(binding, signal, async (cancel) => {
    if (plan.kind === 'anyres') return cutGrid(image, plan, side, { binding, cancel });
    const { width, height, data } = image;
    return binding.resizeSquared(data, width, height, side, GREY, cancel);
  });
}

interface Resizer {
  binding: NativeBinding;
  cancel: NativeCancel;
}

async function cutGrid(
  image: RgbImage,
  plan: ImagePlan,
  side: number,
  resizer: Resizer,
): Promise<Uint8Array> {
  const overview = await squash(image, side, resizer);
  const tileBytes = side * side * CHANNELS;
  const tiles = new Uint8Array(plan.nTiles * tileBytes);
  tiles.set(overview.data);
  if (!plan.map) return tiles;
  const resized = await resize(image, plan.resized, resizer);
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

/** The whole image as one tile [side, side, 3], its proportions ignored. @throws ERR_CANCELLED */
export function squash(image: RgbImage, side: number, resizer: Resizer): Promise<RgbImage> {
  return resize(image, { width: side, height: side }, resizer);
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
  { binding, cancel }: Resizer,
): Promise<RgbImage> {
  if (width === to.width && height === to.height) return { width, height, data };
  const size = [width, height, to.width, to.height] as const;
  return { ...to, data: await binding.resizeBicubic(data, ...size, cancel) };
}
