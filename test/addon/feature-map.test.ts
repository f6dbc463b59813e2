// The assembled map against a plain one: interleave into a full grid, crop, then shrink as torch's
// interpolate(mode='bilinear', align_corners=False) does.
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeMapOptions } from '../../src/binding.js';
import { randomNormal } from '../support/random.js';

const binding = native();

const random = (length: number, seed: number) => Float32Array.from({ length }, randomNormal(seed));

interface Grid {
  rows: number;
  cols: number;
  at(row: number, col: number): Float32Array;
}

function fullGrid(features: Float32Array, { cols, rows, side, nEmbd }: NativeMapOptions): Grid {
  const cells = new Map<string, Float32Array>();
  let offset = 0;
  for (let tile = 0; tile < cols * rows; tile++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++, offset += nEmbd) {
        const [row, col] = [Math.floor(tile / cols) * side + y, (tile % cols) * side + x];
        cells.set(`${row},${col}`, features.subarray(offset, offset + nEmbd));
      }
  return { rows: rows * side, cols: cols * side, at: (row, col) => cells.get(`${row},${col}`)! };
}

function crop(grid: Grid, { cropTop, cropLeft, cropRows, cropCols }: NativeMapOptions): Grid {
  return {
    rows: cropRows,
    cols: cropCols,
    at: (row, col) => grid.at(row + cropTop, col + cropLeft),
  };
}

/** The two source indices of output `i` and the share of the second, in f32. */
function taps(i: number, length: number, outLength: number): [number, number, number] {
  const scale = Math.fround(length / outLength);
  const source = Math.max(0, Math.fround(Math.fround(scale * (i + 0.5)) - 0.5));
  const first = Math.floor(source);
  return [first, Math.min(first + 1, length - 1), source - first];
}

function shrink(grid: Grid, rows: number, cols: number): Grid {
  if (rows === grid.rows && cols === grid.cols) return grid;
  return {
    rows,
    cols,
    at(row, col) {
      const [top, bottom, down] = taps(row, grid.rows, rows);
      const [left, right, across] = taps(col, grid.cols, cols);
      const mix = (a: number, b: number, share: number) => a * (1 - share) + b * share;
      return grid
        .at(top, left)
        .map((value, i) =>
          mix(
            mix(value, grid.at(top, right)[i]!, across),
            mix(grid.at(bottom, left)[i]!, grid.at(bottom, right)[i]!, across),
            down,
          ),
        );
    },
  };
}

function flatten(grid: Grid): Float32Array {
  const out: number[] = [];
  for (let row = 0; row < grid.rows; row++) {
    for (let col = 0; col < grid.cols; col++) out.push(...grid.at(row, col));
  }
  return Float32Array.from(out);
}

function greatestDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

const base: NativeMapOptions = {
  ...{ cols: 3, rows: 2, side: 5, nEmbd: 7 },
  ...{ cropTop: 0, cropLeft: 0, cropRows: 10, cropCols: 15, outRows: 10, outCols: 15 },
};

describe('assembleMap', () => {
  it.each<[string, Partial<NativeMapOptions>]>([
    ['whole grid', {}],
    ['rows cut off', { cropTop: 2, cropRows: 6, outRows: 6 }],
    ['columns cut off', { cropLeft: 3, cropCols: 9, outCols: 9 }],
    ['one row left', { cropTop: 4, cropRows: 1, outRows: 1 }],
    ['halved', { outRows: 5, outCols: 7 }],
    ['cut, then shrunk', { cropTop: 1, cropRows: 8, outRows: 7, outCols: 13 }],
    ['shrunk to one patch', { outRows: 1, outCols: 1 }],
    ['only the rows shrunk', { outRows: 6 }],
  ])('%s', async (_, change) => {
    const options = { ...base, ...change };
    const { cols, rows, side, nEmbd, outRows, outCols } = options;
    const features = random(cols * rows * side * side * nEmbd, 1);
    const expected = flatten(shrink(crop(fullGrid(features, options), options), outRows, outCols));
    const actual = await binding.assembleMap(features, options);
    expect(greatestDifference(actual, expected)).toBeLessThan(2e-6);
  });

  it('moves values untouched when nothing shrinks', async () => {
    const features = random(3 * 2 * 25 * 7, 3);
    const actual = await binding.assembleMap(features, base);
    expect([...actual]).toEqual([...flatten(fullGrid(features, base))]);
  });

  const features = new Float32Array(3 * 2 * 25 * 7);
  it.each<[string, unknown[]]>([
    ['features of another size', [features.subarray(1), base]],
    ['a crop beyond the map', [features, { ...base, cropTop: 1 }]],
    ['an empty crop', [features, { ...base, cropRows: 0 }]],
    ['a map larger than its crop', [features, { ...base, outCols: 16 }]],
    ['a missing option', [features, { ...base, side: undefined }]],
    ['sizes whose product overflows', [features, { ...base, side: 2 ** 31, cols: 2 ** 31 }]],
    ['f64 features', [new Float64Array(features.length), base]],
  ])('refuses %s', (_, args) => {
    const call = binding.assembleMap as (...args: unknown[]) => unknown;
    expect(() => call(...args)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as unknown as Error,
    );
  });
});

describe('poolFrames', () => {
  it.each([
    [1, 27, 14, 3],
    [4, 8, 4, 5],
    [2, 5, 5, 2],
  ])('%i frames of side %i to %i', async (frames, side, outSide, nEmbd) => {
    const features = random(frames * side * side * nEmbd, 5);
    const options = { ...base, ...{ cols: 1, rows: 1, side, nEmbd } };
    const expected = Array.from({ length: frames }, (_, frame) => {
      const start = frame * side * side * nEmbd;
      const one = features.subarray(start, start + side * side * nEmbd);
      return [...flatten(shrink(fullGrid(one, options), outSide, outSide))];
    }).flat();
    const actual = await binding.poolFrames(features, frames, side, outSide, nEmbd);
    expect(greatestDifference(actual, Float32Array.from(expected))).toBeLessThan(1e-6);
  });

  it('takes the taps that the reference takes', async () => {
    const side = 27;
    const rowNumbers = Float32Array.from({ length: side * side }, (_, i) => Math.floor(i / side));
    const pooled = await binding.poolFrames(rowNumbers, 1, side, 14, 1);
    const column = Array.from({ length: 14 }, (_, i) => pooled[i * 14]!);
    expect(column[0]).toBeCloseTo(0.464286, 5);
    expect(column[1]).toBeCloseTo(2.392857, 5);
    expect(column[13]).toBeCloseTo(25.535714, 5);
  });

  it('refuses frames that are not there', () => {
    expect(() => binding.poolFrames(new Float32Array(100), 2, 5, 3, 4)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as unknown as Error,
    );
  });
});
