import { expect, test } from 'vitest';
import { parseFeatures } from '../../src/cli/doctor-report.js';

test('CPU features are those that are on', () => {
  const info = 'CPU : SSE3 = 1 | AVX512 = 0 | SVE_CNT = 32 | CUDA : ARCHS = 900 | REPACK = 1 | ';
  expect(parseFeatures(info)).toEqual(['SSE3', 'SVE_CNT=32', 'ARCHS=900', 'REPACK']);
});
