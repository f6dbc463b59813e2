/** Sizes that a user writes. */
import { expect, test } from 'vitest';
import { parseSize } from '../../../src/convert/split-plan.js';

test('sizes as llama.cpp writes them, in powers of ten', () => {
  const texts = ['12', '64K', '500k', '500M', '2G', '2T', '1.5G', 'K', '0', '-1M'];
  expect(texts.map(parseSize)).toEqual([
    ...[12, 64_000, 500_000, 500_000_000, 2_000_000_000],
    ...[undefined, undefined, undefined, undefined, undefined],
  ]);
});
