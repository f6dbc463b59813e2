// Attention of every shape and cache type against f64 and ggml's own, masks with holes and whole tiles of other chats' cells.
import { beforeAll, describe, expect, test } from 'vitest';
import { compare, hasPrograms, VARIANTS } from '../support/kernels.js';

interface Attention {
  name: string;
  type: string;
  queries: number;
  keys: number;
  mask: string;
  isOurs: boolean;
  error: number | null;
  ggmlError: number | null;
  isEqual: boolean;
}

/** Of sums in f32, whatever their order; ggml's, of f16 caches in f16, are a hundred times that. */
const FLOAT_ERROR = 1e-6;
/** Scores in the hundreds are themselves rounded to 1e-5 and more. */
const SHARP_ERROR = 5e-6;

describe.runIf(hasPrograms).each(VARIANTS)('%s', (variant) => {
  let cases: Attention[] | null;
  beforeAll(async () => {
    cases = await compare<Attention>('attention', variant);
  });

  test('is ours, equal at any number of threads, and as exact as f32', ({ skip }) => {
    if (!cases) skip('this CPU has not the instruction set');
    const wrong = cases!.filter(({ name, isOurs, isEqual, error }) => {
      const most = name === 'sharp' ? SHARP_ERROR : FLOAT_ERROR;
      return !isOurs || !isEqual || error === null || error > most;
    });
    expect(wrong).toEqual([]);
    expect(cases!.length).toBeGreaterThan(50);
  });
});
