import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dialectRules } from '../../../src/dialect.js';
import { sampleFrames } from '../../../src/vision/frame-sampling.js';

interface Vector {
  reference: { total_frames: number; num_frames: number };
  expected: number[];
}
const vectors: Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../golden/frame-vectors.json'), 'utf8'),
);

describe('linspace', () => {
  it('has vectors to pass', () => expect(vectors.length).toBeGreaterThan(0));

  it.each(vectors)('gives the indices of the wrapper for $reference', ({ reference, expected }) => {
    const { total_frames, num_frames } = reference;
    expect(sampleFrames(total_frames, num_frames, 'linspace')).toEqual(expected);
  });

  it.each([
    [100, 8, [0, 14, 28, 42, 56, 70, 84, 99]],
    [931, 32, Array.from({ length: 32 }, (_, i) => 30 * i)],
    [50, 1, [0]],
    [1, 3, [0, 0, 0]],
    [3, 5, [0, 0, 1, 1, 2]],
  ])('of %d frames and %d wanted', (total, wanted, expected) => {
    expect(sampleFrames(total, wanted, 'linspace')).toEqual(expected);
  });

  it("rounds as numpy's doubles do, not as the exact fraction", () => {
    expect(sampleFrames(154, 64, 'linspace')[21]).toBe(50); // 21 · 153/63 is exactly 51
  });
});

describe('arange', () => {
  // np.arange(0, total, total / wanted).astype(int), numpy 2.4
  it.each([
    [100, 8, [0, 12, 25, 37, 50, 62, 75, 87]],
    [5, 8, [0, 0, 1, 1, 2, 3, 3, 4]],
    [7, 7, [0, 1, 2, 3, 4, 5, 6]],
    [1, 2, [0, 0]],
    [10, 1, [0]],
    [29, 7, [0, 4, 8, 12, 16, 20, 24]],
  ])('of %d frames and %d wanted', (total, wanted, expected) => {
    expect(sampleFrames(total, wanted, 'arange')).toEqual(expected);
  });

  it('keeps to the number wanted where numpy gives one more', () => {
    expect(sampleFrames(3998, 100, 'arange')).toHaveLength(100);
  });
});

it.each(['llava-next', 'transformers'] as const)('%s names a rule that exists', (dialect) => {
  expect(sampleFrames(9, 3, dialectRules(dialect).frameSampling)).toHaveLength(3);
});

it.each([
  [0, 8],
  [8, 0],
  [1.5, 8],
  [8, Number.NaN],
])('refuses %d frames and %d wanted', (total, wanted) => {
  expect(() => sampleFrames(total, wanted, 'linspace')).toThrowError(/positive integer/);
});

it('never leaves the clip and never goes back', () => {
  for (const rule of ['linspace', 'arange'] as const) {
    for (let total = 1; total < 400; total++) {
      const indices = sampleFrames(total, 32, rule);
      expect(indices[0]).toBe(0);
      expect(indices.every((index, i) => index < total && index >= (indices[i - 1] ?? 0))).toBe(
        true,
      );
    }
  }
});
