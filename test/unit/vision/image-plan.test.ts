// The published table of 45 sizes, for both dialects, and sizes no table lists.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  MULTI_IMAGE,
  type MultiImage,
  planImage,
  type TileGeometry,
} from '../../../src/vision/image-plan.js';

function geometry(imageSize: number, side: number, gridSides: number): TileGeometry {
  const sides = Array.from({ length: gridSides }, (_, i) => (i + 1) * imageSize);
  const pinpoints = sides.flatMap((width) => sides.map((height) => ({ width, height })));
  return { imageSize, side, pinpoints, maxTiles: 9, nProjection: 8 };
}

const siglip = geometry(384, 27, 6);
const demo = geometry(112, 8, 3);

interface Expected {
  grid_w: number;
  grid_h: number;
  tiles: number;
  canvas: [number, number];
  resized: [number, number];
  pad: { left: number; top: number };
  unpadded_hw: [number, number];
  unpad_offset_hw: [number, number];
  final_hw: [number, number];
  total: number;
}
interface Row {
  image: [number, number];
  original: Expected;
  hf: Expected;
}

const table = JSON.parse(
  readFileSync(new URL('../../golden/anyres-table.json', import.meta.url), 'utf8'),
) as { rows: Row[] };

function summary([width, height]: [number, number], dialect: 'llava-next' | 'transformers') {
  const plan = planImage({ width, height }, siglip, { dialect, imageCount: 1 });
  return {
    grid_w: plan.grid?.cols,
    grid_h: plan.grid?.rows,
    nTiles: plan.nTiles,
    canvas: [plan.canvas.width, plan.canvas.height],
    resized: [plan.resized.width, plan.resized.height],
    pad: { left: plan.offset.x, top: plan.offset.y },
    unpadded_hw: [plan.unpadded.rows, plan.unpadded.cols],
    unpad_offset_hw: [plan.map?.cropTop, plan.map?.cropLeft],
    final_hw: [plan.map?.outRows, plan.map?.outCols],
    total: plan.rows,
  };
}

function expected(row: Expected) {
  const { grid_w, grid_h, canvas, resized, unpadded_hw, unpad_offset_hw, final_hw, total } = row;
  return {
    grid_w,
    grid_h,
    nTiles: grid_w * grid_h + 1,
    canvas,
    resized,
    pad: { left: row.pad.left, top: row.pad.top },
    unpadded_hw,
    unpad_offset_hw,
    final_hw,
    total,
  };
}

describe('the table', () => {
  it('has 45 rows, some of which tell the dialects apart', () => {
    expect(table.rows).toHaveLength(45);
    const differing = table.rows.filter(({ original, hf }) => original.total !== hf.total);
    expect(differing.length).toBeGreaterThan(5);
  });

  describe.each(table.rows)('$image.0×$image.1', ({ image, original, hf }) => {
    it('llava-next', () => expect(summary(image, 'llava-next')).toEqual(expected(original)));
    it('transformers', () => expect(summary(image, 'transformers')).toEqual(expected(hf)));
  });
});

describe('any size', () => {
  const lengths = [1, 2, 3, 7, 13, 47, 100, 111, 112, 113, 333, 384, 1001, 3999, 10000, 99991];

  it.each([
    ['siglip', siglip],
    ['demo', demo],
  ])('%s: crop and shrink stay inside the assembled map', (_, config) => {
    for (const width of lengths)
      for (const height of lengths)
        for (const dialect of ['llava-next', 'transformers'] as const) {
          const plan = planImage({ width, height }, config, { dialect, imageCount: 1 });
          const nPatches = config.side ** 2;
          expect(plan.rows).toBe(nPatches + plan.final.rows * (plan.final.cols + 1));
          expect(plan.resized.width).toBeGreaterThanOrEqual(1);
          expect(plan.resized.height).toBeGreaterThanOrEqual(1);
          if (!plan.map) continue;
          const { map } = plan;
          expect(map.outRows).toBeGreaterThanOrEqual(1);
          expect(map.outCols).toBeGreaterThanOrEqual(1);
          expect(map.outRows).toBeLessThanOrEqual(map.cropRows);
          expect(map.outCols).toBeLessThanOrEqual(map.cropCols);
          expect(map.cropTop * 2 + map.cropRows).toBe(map.rows * config.side);
          expect(map.cropLeft * 2 + map.cropCols).toBe(map.cols * config.side);
        }
  });

  it('an odd number of patches keeps at least one row of a line', () => {
    for (const size of [
      { width: 6000, height: 1 },
      { width: 1, height: 6000 },
    ])
      expect(planImage(size, siglip, { dialect: 'llava-next', imageCount: 1 }).map).not.toBeNull();
  });

  // As the reference: the crop of an even number of patches is empty; columns gone, the newlines of the rows remain.
  it('an even number of patches may keep none', () => {
    const plan = (width: number, height: number) =>
      planImage({ width, height }, demo, { dialect: 'llava-next', imageCount: 1 });
    expect(plan(6000, 1)).toMatchObject({ nTiles: 1, map: null, final: { rows: 0 }, rows: 64 });
    expect(plan(1, 6000)).toMatchObject({ nTiles: 1, map: null, final: { cols: 0 }, rows: 72 });
  });
});

describe('modes for several images', () => {
  const plan = (imageCount: number, multiImage?: MultiImage) =>
    planImage({ width: 800, height: 600 }, siglip, {
      ...{ dialect: 'llava-next', imageCount },
      ...(multiImage ? { multiImage } : {}),
    });

  it.each<[MultiImage | undefined, string, number, number]>([
    [undefined, 'pad', 730, 1],
    ['pad', 'pad', 730, 1],
    ['pad-no-newline', 'pad', 729, 1],
    ['anyres', 'anyres', 4725, 7],
  ])('%s', (mode, kind, rows, nTiles) => {
    expect(plan(2, mode)).toMatchObject({ kind, rows, nTiles });
  });

  it('a single image is tiled in every mode', () => {
    for (const mode of MULTI_IMAGE) expect(plan(1, mode)).toEqual(plan(2, 'anyres'));
  });
});

describe('shrinking', () => {
  const rowsWith = (maxTiles: number | null) =>
    planImage(
      { width: 2304, height: 2304 },
      { ...siglip, maxTiles },
      { dialect: 'llava-next', imageCount: 1 },
    ).final;

  it('follows maxTiles', () => {
    expect(rowsWith(9)).toEqual({ rows: 81, cols: 81 });
    expect(rowsWith(4)).toEqual({ rows: 54, cols: 54 });
  });

  it('is off in plain anyres', () => {
    expect(rowsWith(null)).toEqual({ rows: 162, cols: 162 });
  });
});

describe('several images', () => {
  it('become one padded tile and one newline each', () => {
    const plan = planImage({ width: 300, height: 201 }, siglip, {
      dialect: 'llava-next',
      imageCount: 2,
    });
    expect(plan).toMatchObject({
      kind: 'pad',
      grid: null,
      canvas: { width: 300, height: 300 },
      offset: { x: 0, y: 49 },
      nTiles: 1,
      map: null,
      rows: 730,
    });
  });
});
