/** The type that is chosen where the user names none, on machines of several sizes. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Outtype } from '../../../src/convert/outtypes.js';
import { bytesOf, type PlannedSizes, plannedSizes } from '../../../src/convert/planned-sizes.js';
import { bestType, convertedBytes } from '../../../src/models/default-type.js';
import { fakeAddon, fakeBinding } from '../../support/fake-binding.js';
import { GPU } from '../../support/load-plan.js';

const DEMO = join(import.meta.dirname, '../../../demo/checkpoint');
const GB = 1e9;

let sizesFor: (type: Outtype) => PlannedSizes;
beforeAll(async () => {
  sizesFor = await plannedSizes(DEMO);
});

/** The demonstration's decoder, a thousand times as heavy: 4.2 GB in f16. */
function heavy(type: Outtype): PlannedSizes {
  const { decoder, vision } = sizesFor(type);
  const { tensorBytes, headBytes, layerBytes } = decoder;
  return {
    vision,
    decoder: {
      ...{ ...decoder, tensorBytes: tensorBytes * 1000, headBytes: headBytes * 1000 },
      layerBytes: layerBytes.map((bytes) => bytes * 1000),
    },
  };
}

const choose = (memory: number, gpuFree?: number) => {
  const devices = gpuFree === undefined ? [] : [{ ...GPU, memoryFree: gpuFree }];
  const backend = gpuFree === undefined ? 'cpu' : 'cuda';
  return bestType(heavy, { addon: fakeAddon(fakeBinding({ devices }), backend), memory });
};

describe('without a GPU, three quarters of the memory count', () => {
  test.each([
    [16 * GB, 'f16'],
    [5.5 * GB, 'q8_0'],
    [3 * GB, 'q6_k'],
    [2 * GB, 'q4_k_m'],
  ])('%d bytes: %s', (memory, type) => {
    expect(choose(memory).type).toBe(type);
  });

  test('none fits', () => {
    expect(() => choose(GB)).toThrow(
      expect.objectContaining({
        code: 'ERR_OUT_OF_MEMORY',
        available: GB,
        needed: expect.any(Number),
      }),
    );
  });
});

describe('with a GPU', () => {
  test('the best that it takes all of', () => {
    expect(choose(64 * GB, 8 * GB)).toEqual({
      ...{ type: 'f16', reason: 'the best type that fits on GPU0 (8.00 GB free)' },
    });
    expect(choose(64 * GB, 4 * GB).type).toBe('q8_0');
  });

  test('one that is too small for any leaves it to the memory', () => {
    expect(choose(64 * GB, GB)).toMatchObject({
      type: 'f16',
      reason: expect.stringContaining('memory'),
    });
  });
});

test('what files will take is what their headers say, about', () => {
  const weights = bytesOf(sizesFor('f16'));
  expect(convertedBytes(weights, 'f16')).toBeGreaterThan(weights);
  for (const type of ['q8_0', 'q6_k', 'q4_k_m'] as const) {
    const ratio = convertedBytes(weights, type) / bytesOf(sizesFor(type));
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.5);
  }
});
