/** Compares what a context sampled, by the log-probabilities of all ids. */
import { expect } from 'vitest';
import type { NativeSample } from '../../src/binding.js';

/** Log-probabilities by id; the sampler must have listed them all. */
export function byId({ topTokens, topLogprobs }: NativeSample): number[] {
  const values: number[] = [];
  topTokens.forEach((id, i) => {
    values[id] = topLogprobs[i]!;
  });
  return values;
}

export function largestDifference(a: NativeSample, b: NativeSample): number {
  const other = byId(b);
  return Math.max(...byId(a).map((value, id) => Math.abs(value - other[id]!)));
}

export function expectSame(a: NativeSample, b: NativeSample, tolerance = 5e-5): void {
  expect(a.token).toBe(b.token);
  expect(largestDifference(a, b)).toBeLessThan(tolerance);
}
