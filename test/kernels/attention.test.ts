// Attention of every shape and cache type against f64 and ggml's own, masks with holes and whole tiles of other chats' cells.
import { beforeAll, describe, expect, test } from 'vitest';
import { compare, hasPrograms, least, NOTHING, VARIANTS } from '../support/kernels.js';

interface Attention {
  name: string;
  type: string;
  queries: number;
  keys: number;
  mask: string;
  set: string;
  isOurs: boolean;
  error: number | null;
  ggmlError: number | null;
  isEqual: boolean;
  badRows: number;
  spoiltRows: number;
  isAsBefore: boolean;
}

/** Of sums in f32, whatever their order; ggml's, of f16 caches in f16, are a hundred times that. */
const FLOAT_ERROR = 1e-6;
/** Scores in the hundreds are themselves rounded to 1e-5 and more. */
const SHARP_ERROR = 5e-6;
/** Of words, which are for keys and values that were rounded before; sharp ones among them. ggml's are above 1e-3. */
const WORD_ERROR = 7e-4;
/** Of pairs of bf16 on AMX tiles, which take what words would. */
const TILE_ERROR = 4e-5;

const isSound = ({ name }: Attention) => !name.startsWith('nan');

function mostOf({ name, type, set }: Attention): number {
  const isRounded = type !== 'f32' || name.endsWith('words');
  if (isRounded && set === 'AMX') return TILE_ERROR;
  if (isRounded && set.endsWith('VNNI')) return WORD_ERROR;
  return name === 'sharp' ? SHARP_ERROR : FLOAT_ERROR;
}

describe.runIf(hasPrograms).each(VARIANTS)('%s', (variant) => {
  let cases: Attention[] | null;
  beforeAll(async () => {
    cases = await compare<Attention>('attention', variant);
  });

  test('is ours, equal at any number of threads, and as exact as its inputs', ({ skip }) => {
    if (!cases) skip(NOTHING);
    const wrong = cases!.filter(isSound).filter((attention) => {
      const { isOurs, isEqual, error } = attention;
      return !isOurs || !isEqual || error === null || error > mostOf(attention);
    });
    expect(wrong).toEqual([]);
    expect(cases!.length).toBeGreaterThanOrEqual(least(51));
  });

  test('of f16 and q8_0 caches, not above ggml', ({ skip }) => {
    if (!cases) skip(NOTHING);
    // ggml's own tiles, of many queries, add NaN to NaN where a mask hides it.
    const cached = cases!.filter(
      ({ type, keys, ggmlError }) => type !== 'f32' && keys > 1 && ggmlError !== null,
    );
    expect(cached.length).toBeGreaterThanOrEqual(least(21));
    expect(cached.filter(({ error, ggmlError }) => error! > ggmlError! * 0.6)).toEqual([]);
  });

  test('leaves threads as they were, denormals among them', ({ skip }) => {
    if (!cases) skip(NOTHING);
    expect(cases!.filter(({ isAsBefore }) => !isAsBefore)).toEqual([]);
  });

  test('a query that is not finite shows in its row and in no other', ({ skip }) => {
    if (!cases) skip(NOTHING);
    const wrong = cases!.filter(
      (attention) => attention.badRows !== (isSound(attention) ? attention.spoiltRows : 1),
    );
    expect(wrong).toEqual([]);
  });

  test('a cell that is not finite shows in the rows that see it and in no other', ({ skip }) => {
    if (!cases) skip(NOTHING);
    const spoilt = cases!.filter(({ name }) => name.startsWith('spoilt'));
    const seen = spoilt.filter(({ spoiltRows }) => spoiltRows > 0);
    expect(spoilt.length - seen.length).toBeGreaterThanOrEqual(least(16));
    expect(seen.length).toBeGreaterThanOrEqual(least(31));
    expect(spoilt.filter(({ badRows, spoiltRows }) => badRows !== spoiltRows)).toEqual([]);
  });
});
