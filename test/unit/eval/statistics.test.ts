// Intervals against values worked out elsewhere, and against what they promise.
import { describe, expect, it } from 'vitest';
import { type Figure, macroMean, mean, type Unit } from '../../../src/eval/figures.js';
import { randomNumbers } from '../../../src/eval/random.js';
import type { Scored } from '../../../src/eval/scored.js';
import { differenceInterval, intervalOf } from '../../../src/eval/statistics.js';

const unit = (score: number, category = ''): Unit => [
  { id: '', part: '', unit: '', category, score } satisfies Scored,
];
const units = (...scores: number[]) => scores.map((score) => unit(score));
const accuracy: Figure = { name: 'accuracy', ...mean() };

describe('one run', () => {
  it("gives Wilson's interval for right and wrong", () => {
    // 8 of 10: 0.4902 to 0.9433; 0 of 10: 0 to 0.2775 (Brown, Cai and DasGupta 2001)
    const [low, high] = intervalOf(accuracy, units(1, 1, 1, 1, 1, 1, 1, 1, 0, 0))!;
    expect(low).toBeCloseTo(49.02, 2);
    expect(high).toBeCloseTo(94.33, 2);
    const none = intervalOf(accuracy, units(...Array(10).fill(0)))!;
    expect(none[0]).toBe(0);
    expect(none[1]).toBeCloseTo(27.75, 2);
    const all = intervalOf(accuracy, units(...Array(10).fill(1)))!;
    expect(all[0]).toBeCloseTo(72.25, 2);
    expect(all[1]).toBeCloseTo(100, 9);
  });

  it('gives the normal interval for other means', () => {
    // mean 0.5, standard deviation 0.4082, 7 values
    const [low, high] = intervalOf(accuracy, units(0, 0, 0.5, 0.5, 0.5, 1, 1))!;
    expect((low + high) / 2).toBeCloseTo(50, 9);
    expect((high - low) / 2).toBeCloseTo((100 * 1.959964 * 0.408248) / Math.sqrt(7), 3);
  });

  it('says nothing about one sample', () => {
    expect(intervalOf(accuracy, units(1))).toBeNull();
  });
});

it('draws about the same as the formula where both can', () => {
  const random = randomNumbers(5);
  const sample = Array.from({ length: 400 }, () => unit(random() < 0.7 ? 1 : 0));
  const { each: _, ...drawn } = accuracy;
  const [low, high] = intervalOf(drawn, sample)!;
  const [lowest, highest] = intervalOf(accuracy, sample)!;
  expect(Math.abs(low - lowest)).toBeLessThan(1);
  expect(Math.abs(high - highest)).toBeLessThan(1);
  expect(intervalOf(drawn, sample)).toEqual([low, high]);
});

it('keeps every category in a draw', () => {
  const figure: Figure = { name: 'macro', ...macroMean() };
  // One category is always right, the other always wrong: nothing varies within strata.
  const sample = [unit(1, 'a'), unit(0, 'b'), unit(0, 'b'), unit(0, 'b')];
  expect(figure.value(sample)).toBe(50);
  expect(intervalOf(figure, sample)).toEqual([50, 50]);
});

it('pairs: samples that do not change say nothing, and the interval is narrower than that of two runs', () => {
  const random = randomNumbers(9);
  const pairs = Array.from({ length: 300 }, () => {
    const right = random() < 0.6 ? 1 : 0;
    return { a: unit(right), b: unit(random() < 0.05 ? 1 - right : right) };
  });
  const [low, high] = differenceInterval(accuracy, pairs)!;
  const [aLow, aHigh] = intervalOf(
    accuracy,
    pairs.map(({ a }) => a),
  )!;
  expect(high - low).toBeLessThan((aHigh - aLow) * 0.7);
  const { each: _, ...drawn } = accuracy;
  const [drawnLow, drawnHigh] = differenceInterval(drawn, pairs)!;
  expect(Math.abs(drawnLow - low)).toBeLessThan(0.7);
  expect(Math.abs(drawnHigh - high)).toBeLessThan(0.7);
  const same = pairs.map(({ a }) => ({ a, b: a }));
  // No change in 300 pairs: 1.96 / 302, not certainty.
  const [least, most] = differenceInterval(accuracy, same)!;
  expect(most).toBeCloseTo((100 * 1.959964) / 302, 6);
  expect(least).toBeCloseTo(-most, 9);
  expect(differenceInterval(accuracy, same.slice(0, 1))).toBeNull();
});
