// Rows of a whole image with the real map assembly, against positions worked out by hand.
import { expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { planImage, type TileGeometry } from '../../src/vision/image-plan.js';
import type { VisionConfig } from '../../src/vision/vision-config.js';
import { encodeRows } from '../../src/vision/visual-rows.js';
import { fakeEncoder } from '../support/fake-encoder.js';

const binding = native();
const geometry: TileGeometry = {
  imageSize: 4,
  side: 3,
  pinpoints: [
    { width: 4, height: 4 },
    { width: 8, height: 8 },
  ],
  maxTiles: 9,
  nProjection: 2,
};
const TILE_BYTES = 48;

function rowsOf(size: { width: number; height: number }, config: TileGeometry) {
  const plan = planImage(size, config, { dialect: 'llava-next', imageCount: 1 });
  const tiles = Uint8Array.from({ length: plan.nTiles * TILE_BYTES }, (_, i) =>
    Math.floor(i / TILE_BYTES),
  );
  const tower = { encoder: fakeEncoder(config), config: config as VisionConfig, binding };
  return encodeRows(tiles, plan, tower, { takeTurn: (work) => work() }).then((data) => ({
    plan,
    data,
  }));
}

it('overview, then the unpadded map row by row, each ended by the newline', async () => {
  const { plan, data } = await rowsOf({ width: 8, height: 6 }, geometry);
  expect(plan).toMatchObject({ grid: { cols: 2, rows: 2 }, unpadded: { rows: 4, cols: 6 } });
  const expected: number[] = [];
  const push = (tile: number, patch: number) =>
    expected.push(tile * 1000 + patch * 10, tile * 1000 + patch * 10 + 1);
  for (let patch = 0; patch < 9; patch++) push(0, patch);
  for (let row = 1; row < 5; row++) {
    for (let col = 0; col < 6; col++)
      push(1 + Math.floor(row / 3) * 2 + Math.floor(col / 3), (row % 3) * 3 + (col % 3));
    expected.push(-1, -2);
  }
  expect([...data]).toEqual(expected);
  expect(data).toHaveLength(plan.rows * 2);
});

it('a map far larger than maxTiles is shrunk', async () => {
  const { plan, data } = await rowsOf({ width: 8, height: 8 }, { ...geometry, maxTiles: 1 });
  expect(plan.final).toEqual({ rows: 3, cols: 3 });
  // Halving averages 2×2 patches: here the first of tile 1.
  const mean = (1000 + 1010 + 1030 + 1040) / 4;
  expect(data[9 * 2]).toBeCloseTo(mean, 3);
  expect([data[12 * 2], data[12 * 2 + 1]]).toEqual([-1, -2]);
  expect(data).toHaveLength((9 + 3 * 4) * 2);
});

it('a line on an even number of patches leaves overview and newlines', async () => {
  const even = { ...geometry, side: 2 };
  const { plan, data } = await rowsOf({ width: 1, height: 600 }, even);
  expect(plan).toMatchObject({ map: null, final: { rows: 2, cols: 0 } });
  expect([...data.subarray(8)]).toEqual([-1, -2, -1, -2]);
});
