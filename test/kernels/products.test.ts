// Every product of ours against f64 and ggml's own, at the number of rows, widths and values that break kernels. Activations
// of quantised types are rounded to eight bits, by ggml too: on few values the errors differ by chance.
import { beforeAll, describe, expect, test } from 'vitest';
import { compare, hasPrograms, least, NOTHING, VARIANTS } from '../support/kernels.js';

interface Product {
  set: string;
  type: string;
  m: number;
  k: number;
  n: number;
  values: string;
  layout: string;
  finish: string;
  isOurs: boolean;
  error: number | null;
  ggmlError: number | null;
  isEqual: boolean;
  badRows: number;
  badColumns: number;
}

const ENOUGH_VALUES = 1000;
/** Of f32: what the order of adding alone makes of it. */
const FLOAT_ERROR = 3e-7;
/** Of a weight that becomes a bf16, as AMX's tiles have them. */
const BFLOAT_ERROR = 2 ** -9;

describe.runIf(hasPrograms).each(VARIANTS)('%s', (variant) => {
  let products: Product[] | null;
  beforeAll(async () => {
    products = await compare<Product>('products', variant);
  });

  const each = (check: (product: Product) => boolean): Product[] =>
    products!.filter((product) => !check(product));

  test('results are equal bit by bit at any number of threads', ({ skip }) => {
    if (!products) skip(NOTHING);
    expect(each(({ isEqual }) => isEqual)).toEqual([]);
  });

  test('errors are not above those of ggml', ({ skip }) => {
    if (!products) skip(NOTHING);
    const finite = products!.filter(
      ({ isOurs, values }) => isOurs && !/nan|infinite|broken/.test(values),
    );
    expect(finite.length).toBeGreaterThan(0);
    const wrong = finite.filter(({ m, n, values, error, ggmlError }) => {
      if (error === null) return true;
      if (values === 'full') return error > BFLOAT_ERROR; // one value's rounding, ggml's by luck none
      if (ggmlError === null) return false; // q8_1's sums overflow in f16; ours do not
      const slack = m * n >= ENOUGH_VALUES ? 1.02 : 1.5;
      return error > Math.max(ggmlError * slack, FLOAT_ERROR);
    });
    expect(wrong).toEqual([]);
  });

  test('what is not finite shows in its row and in no other', ({ skip }) => {
    if (!products) skip(NOTHING);
    const cases = products!.filter(({ values }) => values === 'nan' || values === 'infinite');
    expect(cases.length).toBeGreaterThan(0);
    const wrong = cases.filter(
      ({ isOurs, m, badRows }) => isOurs && badRows !== Math.floor((m + 1) / 3),
    );
    expect(wrong).toEqual([]);
  });

  test('so does a scale of weights that is not, in its column', ({ skip }) => {
    if (!products) skip(NOTHING);
    const cases = products!.filter(({ values, isOurs }) => values === 'broken' && isOurs);
    expect(cases.length).toBeGreaterThan(0);
    const wrong = cases.filter(({ m, badRows, badColumns }) => badRows !== m || badColumns !== 1);
    expect(wrong).toEqual([]);
  });

  test('a product ends with a bias, GELU or a residual', ({ skip }) => {
    if (!products) skip(NOTHING);
    const finished = products!.filter(({ finish }) => finish !== 'none');
    expect(new Set(finished.map(({ finish }) => finish)).size).toBe(3);
    // Without it they would be off by a bias of 1.
    expect(finished.filter(({ error }) => error === null || error > 0.2)).toEqual([]);
  });

  test('every type with many rows is ours, with any width', ({ skip }) => {
    if (!products) skip(NOTHING);
    expect(each(({ m, isOurs }) => m < 32 || isOurs)).toEqual([]);
  });

  test('tiles take many rows where the process may use them: their errors are less than others make', ({
    skip,
  }) => {
    if (products?.[0]?.set !== 'AMX') skip('no tiles here');
    const many = products!.filter(
      ({ type, m, n, values }) =>
        type !== 'f32' && m > 32 && m * n >= ENOUGH_VALUES && /gaussian|outliers/.test(values),
    );
    expect(many.length).toBeGreaterThan(0);
    const leastOf = (type: string) => (/f16$/.test(type) ? 1e-5 : 3e-3); // int16: 1e-4, int8: 5e-3
    expect(many.filter(({ type, error }) => error === null || error > leastOf(type))).toEqual([]);
  });

  test('so are a few rows of halves', ({ skip }) => {
    if (!products) skip(NOTHING);
    const halves = products!.filter(({ type, m }) => /^b?f16$/.test(type) && m > 1);
    expect(halves.length).toBeGreaterThanOrEqual(least(1));
    expect(halves.filter(({ isOurs }) => !isOurs)).toEqual([]);
  });
});

test.skipIf(hasPrograms)('needs programs: npm run test:kernels builds them', ({ skip }) => {
  skip();
});
