import { totalmem } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeContextOptions, NativeSample } from '../../src/binding.js';
import { openedDecoder } from '../support/opened-decoder.js';
import { expectSame, largestDifference } from '../support/samples.js';
import {
  CONTEXT_OPTIONS,
  modelOptions,
  openDecoder,
  TINY,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const tiny = openedDecoder();

const ids = (...tokens: number[]) => Int32Array.from(tokens);
const PROMPT = ids(...Array.from({ length: 100 }, (_, i) => (i * 37) % 250));
const sampled = (sequence: number, data: Int32Array) => ({
  ...{ sequence, position: 0, data, sampler: tiny.decoder.sampler({ nTop: TINY.nVocab }) },
});

/** The answer of an f32 cache to a prompt. */
async function fresh(prompt: Int32Array): Promise<NativeSample> {
  const [result] = await tiny.decoder.context.step([sampled(0, prompt)]);
  tiny.decoder.context.removePositions(0, 0);
  return result!;
}

describe('createContext', () => {
  const create = (options: Partial<NativeContextOptions>, from = tiny.decoder) =>
    native().createContext(from.model, from.pool, { ...CONTEXT_OPTIONS, ...options });
  const invalid = { code: 'ERR_INVALID_ARGUMENT' };

  it('bounds nBatch by nCtx and rounds nCtx up to whole blocks', async () => {
    const context = await create({ nCtx: 200, nBatch: 4096 });
    expect([context.nCtx, context.nBatch, context.nSeqMax]).toEqual([256, 200, 4]);
    await context.dispose();
  });

  it.each([
    ['f16', 'f16', 'auto', 0.02],
    ['f16', 'f16', 'on', 0.02],
    ['f16', 'f32', 'off', 0.02],
    ['q8_0', 'f16', 'off', 0.3],
    ['q8_0', 'q8_0', 'auto', 0.3],
    ['q8_0', 'q8_0', 'on', 0.3],
  ] as const)('with KV %s/%s and flash attention %s stays near f32', async (...config) => {
    const [kvTypeK, kvTypeV, flashAttention, tolerance] = config;
    const context = await create({ kvTypeK, kvTypeV, flashAttention });
    const [result] = await context.step([sampled(0, PROMPT)]);
    expect(largestDifference(result!, await fresh(PROMPT))).toBeLessThan(tolerance);
    await context.dispose();
  });

  it.each([
    { nCtx: 0 },
    { nBatch: 0 },
    { nUbatch: 0 },
    { nSeqMax: 0 },
    { nSeqMax: 257 },
    { nCtx: 2 ** 31 },
    { kvTypeK: 'q4_0' as never },
    { flashAttention: 'yes' as never },
  ])('refuses %o at once', (options) => {
    expect(() => create(options)).toThrow(expect.objectContaining(invalid));
  });

  it('refuses what would make llama.cpp abort', async () => {
    await expect(create({ nUbatch: 129 })).rejects.toMatchObject(invalid);
    const noFlash = { kvTypeV: 'q8_0', flashAttention: 'off' } as const;
    await expect(create(noFlash)).rejects.toMatchObject(invalid);
    const narrow = join(tiny.folder, 'narrow.gguf');
    await writeTinyDecoder(narrow, { sizes: { nHead: 4 } }); // heads of 16
    const other = await openDecoder(narrow);
    for (const flashAttention of ['on', 'off', 'auto'] as const)
      await expect(create({ kvTypeK: 'q8_0', flashAttention }, other)).rejects.toMatchObject({
        ...invalid,
        message: expect.stringContaining('heads'),
      });
    await other.dispose();
  });

  it('refuses a model without weights', async () => {
    const options = { ...modelOptions(tiny.path), vocabOnly: true };
    const model = await native().loadModel(options, null, null);
    await expect(
      native().createContext(model, tiny.decoder.pool, CONTEXT_OPTIONS),
    ).rejects.toMatchObject(invalid);
    await model.dispose();
  });

  it('reports a cache that does not fit in memory, with numbers', async () => {
    const big = join(tiny.folder, 'deep.gguf');
    await writeTinyDecoder(big, { sizes: { nLayer: 64, nHeadKv: 2 } });
    const other = await openDecoder(big);
    const nCtx = 2 ** 24;
    const needed = nCtx * 64 * 2 * 64 * 4;
    expect(needed).toBeGreaterThan(totalmem());
    await expect(create({ nCtx }, other)).rejects.toMatchObject({
      ...{ code: 'ERR_OUT_OF_MEMORY', needed, available: expect.any(Number) },
    });
    await other.dispose();
  });

  it('serves 256 sequences with one row of logits each', async () => {
    const context = await create({ nSeqMax: 256, nBatch: 256, nUbatch: 256 });
    const slices = Array.from({ length: 256 }, (_, sequence) => sampled(sequence, ids(sequence)));
    const results = await context.step(slices);
    for (const id of [0, 77, 255]) expectSame(results[id]!, await fresh(ids(id)));
    await context.dispose();
  });
});
