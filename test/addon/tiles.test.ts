// Cutting tiles with the real resize: places, padding, and sizes at the edge of what exists.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { type ImagePlan, planImage, type TileGeometry } from '../../src/vision/image-plan.js';
import { cutTiles } from '../../src/vision/tiles.js';

const binding = native();
const T = 16;
const config: TileGeometry = {
  imageSize: T,
  side: 4,
  pinpoints: [1, 2, 3].flatMap((cols) =>
    [1, 2, 3].map((rows) => ({ width: cols * T, height: rows * T })),
  ),
  maxTiles: 9,
  nProjection: 1,
};

function image(width: number, height: number) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + 1) % 251);
  return { width, height, data };
}

const plan = (size: { width: number; height: number }, imageCount = 1): ImagePlan =>
  planImage(size, config, { dialect: 'llava-next', imageCount });

/** The canvas of the reference, built in full. */
async function canvasOf(source: ReturnType<typeof image>, placed: ImagePlan) {
  const { resized, offset, canvas } = placed;
  const pixels = await binding.resizeBicubic(
    source.data,
    source.width,
    source.height,
    resized.width,
    resized.height,
  );
  const out = new Uint8Array(canvas.width * canvas.height * 3);
  for (let y = 0; y < resized.height; y++)
    for (let x = 0; x < resized.width * 3; x++)
      out[((y + offset.y) * canvas.width + offset.x) * 3 + x] = pixels[y * resized.width * 3 + x]!;
  return out;
}

describe('anyres', () => {
  it.each([
    [40, 20],
    [20, 40],
    [33, 31],
    [5, 3],
    [16, 16],
    [48, 48],
    [47, 100],
  ])('%i×%i: overview, then the canvas in tiles', async (width, height) => {
    const source = image(width, height);
    const placed = plan(source);
    const tiles = await cutTiles(source, placed, { config, binding });
    expect(tiles).toHaveLength(placed.nTiles * T * T * 3);
    const overview = await binding.resizeBicubic(source.data, width, height, T, T);
    expect(Buffer.compare(tiles.subarray(0, T * T * 3), overview)).toBe(0);
    const canvas = await canvasOf(source, placed);
    const { cols, rows } = placed.grid!;
    let mismatches = 0;
    for (let row = 0; row < rows * T; row++)
      for (let x = 0; x < cols * T * 3; x++) {
        const tile = 1 + Math.floor(row / T) * cols + Math.floor(x / (T * 3));
        const value = tiles[(tile * T + (row % T)) * T * 3 + (x % (T * 3))];
        if (value !== canvas[row * cols * T * 3 + x]) mismatches++;
      }
    expect(mismatches).toBe(0);
  });

  it('copies an image that has the size of a tile', async () => {
    const source = image(T, T);
    const tiles = await cutTiles(source, plan(source), { config, binding });
    expect([...tiles]).toEqual([...source.data, ...source.data]);
  });

  it.each([
    [1, 1],
    [10_000, 100],
    [100, 10_000],
    [1, 6000],
    [6000, 1],
  ])('%i×%i works, alone and among others', async (width, height) => {
    const source = image(width, height);
    for (const imageCount of [1, 2]) {
      const placed = plan(source, imageCount);
      const tiles = await cutTiles(source, placed, { config, binding });
      expect(tiles).toHaveLength(placed.nTiles * T * T * 3);
    }
  });
});

describe('pad', () => {
  /** The whole grey square, resized at once. */
  async function padded(source: ReturnType<typeof image>): Promise<Uint8Array> {
    const { width, height, data } = source;
    const length = Math.max(width, height);
    const square = new Uint8Array(length * length * 3).fill(127);
    const [left, top] = [Math.floor((length - width) / 2), Math.floor((length - height) / 2)];
    for (let y = 0; y < height; y++)
      square.set(
        data.subarray(y * width * 3, (y + 1) * width * 3),
        ((y + top) * length + left) * 3,
      );
    return binding.resizeBicubic(square, length, length, T, T);
  }

  const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

  it.each([
    [40, 21],
    [21, 40],
    [5, 3],
    [16, 9],
    [1, 1],
    [3000, 3],
    [2, 2999],
  ])('%i×%i equals one resize of the whole square', async (width, height) => {
    const source = image(width, height);
    const tile = await cutTiles(source, plan(source, 2), { config, binding });
    expect(hash(tile)).toBe(hash(await padded(source)));
  });

  it.each([
    [1, 400_000],
    [400_000, 1],
  ])('%i×%i costs what the picture costs, not hours as its square would', async (width, height) => {
    const source = { width, height, data: new Uint8Array(width * height * 3).fill(255) };
    const tile = await cutTiles(source, plan(source, 2), { config, binding });
    expect(tile).toHaveLength(T * T * 3);
    expect(new Set(tile)).toEqual(new Set([127]));
  });
});

describe('an abort', () => {
  it.each([1, 2])('takes effect inside a resize, with %i pictures', async (imageCount) => {
    const large = { width: 1000, height: 40_000, data: new Uint8Array(1000 * 40_000 * 3) };
    const abort = new AbortController();
    const reason = new Error('enough');
    const cutter = { config, binding, signal: abort.signal };
    const cutting = cutTiles(large, plan(large, imageCount), cutter);
    abort.abort(reason);
    await expect(cutting).rejects.toBe(reason);
    await expect(cutTiles(large, plan(large, imageCount), cutter)).rejects.toBe(reason);
  });
});
