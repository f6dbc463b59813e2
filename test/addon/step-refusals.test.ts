/** What a step refuses: too many rows, values that are not finite, slices that are wrong. The context goes on after it. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeSample, NativeSlice } from '../../src/binding.js';
import { decoderSteps, ids, PROMPT, rowsOf } from '../support/decoder-steps.js';
import { expectSame } from '../support/samples.js';
import { badEmbedding, openDecoder, TINY, writeTinyDecoder } from '../support/tiny-decoder.js';

const tiny = decoderSteps();
const { sampled, slice, step, clear, fresh } = tiny;

describe('a full context', () => {
  const full = (nPast: number, nNeeded: number) => ({
    ...{ code: 'ERR_CONTEXT_FULL', nPast, nNeeded, nCtx: 256 },
  });

  it('says so with numbers and goes on when there is room', async () => {
    clear();
    await step(slice(0, 0, PROMPT), slice(1, 0, PROMPT.subarray(0, 28)));
    await step(slice(1, 28, PROMPT));
    await expect(step(slice(2, 0, PROMPT.subarray(0, 29)))).rejects.toMatchObject(full(228, 29));
    await step(slice(2, 0, PROMPT.subarray(0, 28)));
    await expect(step(slice(0, 100, ids(1)))).rejects.toMatchObject(full(256, 1));
    tiny.decoder.context.removePositions(1, 0);
    const [result] = await step(slice(0, 100, ids(1)));
    expectSame(result!, await fresh(ids(...PROMPT, 1)));
  });

  it('takes back the tokens of a step whose rows do not fit', async () => {
    clear();
    await step(slice(0, 0, PROMPT));
    await step(slice(1, 0, PROMPT));
    const rows = slice(2, 0, rowsOf(PROMPT.subarray(0, 56)));
    await expect(step(slice(0, 100, ids(1)), rows)).rejects.toMatchObject(full(200, 57));
    // Sequence 0 still ends at 100, and the cell it would have taken is free: 56 fit.
    await step(rows);
    tiny.decoder.context.removePositions(2, 0);
    const [result] = await step(slice(0, 100, ids(1)));
    expectSame(result!, await fresh(ids(...PROMPT, 1)));
  });
});

describe('values that are not finite', () => {
  it('in rows are refused before they reach the cache', async () => {
    clear();
    for (const bad of [NaN, Infinity]) {
      const rows = rowsOf(PROMPT.subarray(0, 2));
      rows[TINY.nEmbd + 3] = bad;
      const error = { code: 'ERR_INVALID_ARGUMENT', argument: 'slices[1]' };
      const ok = slice(1, 0, ids(1));
      await expect(step(ok, slice(0, 0, rows))).rejects.toMatchObject(error);
    }
    expectSame((await step(slice(0, 0, PROMPT)))[0]!, await fresh(PROMPT));
  });

  it('that the model computes are reported, and gone with the last sequence', async () => {
    const file = join(tiny.folder, 'nan.gguf');
    const fill = (name: string, shape: number[]) => {
      const values = name === 'token_embd.weight' && new Float32Array(shape[0]! * shape[1]!);
      return values ? values.fill(1).fill(NaN, 5 * shape[0]!, 6 * shape[0]!) : undefined;
    };
    await writeTinyDecoder(file, { untied: true, fill });
    const other = await openDecoder(file);
    const run = (sequence: number, position: number, token: number) =>
      other.context.step([sampled({ sequence, position, data: ids(token) }, other)]);
    const [first] = await run(0, 0, 4);
    await expect(run(1, 0, 5)).rejects.toMatchObject({ code: 'ERR_DECODE', status: 0 });
    other.context.removePositions(0, 0);
    expectSame((await run(0, 0, 4))[0]!, first!);
    other.context.removePositions(0, 0);
    // Nor does a prompt stay that is given up before anyone has seen what comes of it.
    await other.context.step([{ sequence: 1, position: 0, data: ids(4, 4, 5), sampler: null }]);
    other.context.removePositions(1, 0);
    expectSame((await run(0, 0, 4))[0]!, first!);
    other.context.removePositions(0, 0);
    // Nor a guess, which spoils the step that computes it.
    const guesses = { sequence: 1, position: 0, data: ids(4, 6, 5), drafted: 2 };
    const step = other.context.step([sampled(guesses, other)]);
    await expect(step).rejects.toMatchObject({ code: 'ERR_DECODE', status: 0 });
    other.context.removePositions(1, 0);
    expectSame((await run(0, 0, 4))[0]!, first!);
    await other.dispose();
  });
});

describe.skipIf(native().kernels().instructionSet === null)('a sequence that is not finite', () => {
  const BAD = 5;
  // Our attention, of many positions and of one, with the other's cells before, between and behind.
  it.each(['f32', 'f16', 'q8_0'] as const)('leaves others alone in a cache of %s', async (type) => {
    const fill = badEmbedding(BAD);
    const file = await writeTinyDecoder(join(tiny.folder, 'bad.gguf'), { untied: true, fill });
    const answers = async (other: number) => {
      const kvTypes = { kvTypeK: type, kvTypeV: type };
      const decoder = await openDecoder(file, { ...kvTypes, flashAttention: 'on' });
      const samples: NativeSample[] = [];
      let position = 0;
      for (const [step, length] of [3, 40, 1].entries()) {
        const between = { sequence: 1, position: 2 * step, data: ids(other, other), sampler: null };
        const data = ids(...Array.from({ length }, (_, i) => 6 + ((i * 37) % 240)));
        const slice = sampled({ sequence: 0, position, data }, decoder);
        samples.push((await decoder.context.step([between, slice]))[1]!);
        position += length;
      }
      await decoder.dispose();
      return samples;
    };
    const expected = await answers(7);
    for (const [i, sample] of (await answers(BAD)).entries()) expectSame(sample, expected[i]!);
  });
});

describe('step refuses', () => {
  it.each([
    ['no slices', () => []],
    ['a hole', () => [slice(0, 1, ids(1))]],
    ['a position before the end', () => [slice(3, 0, ids(1))]],
    ['two slices of a sequence', () => [slice(0, 0, ids(1)), slice(0, 1, ids(1))]],
    ['an unknown sequence', () => [slice(4, 0, ids(1))]],
    ['a negative token', () => [slice(0, 0, ids(-1))]],
    ['a token outside the vocabulary', () => [slice(0, 0, ids(TINY.nVocab))]],
    ['an empty slice', () => [slice(0, 0, ids())]],
    ['no rows', () => [slice(0, 0, new Float32Array())]],
    ['a part of a row', () => [slice(0, 0, new Float32Array(TINY.nEmbd + 1))]],
    ['more than nBatch', () => [slice(0, 0, new Int32Array(129))]],
    [
      'more than nBatch together',
      () => [slice(0, 0, new Int32Array(65)), slice(1, 0, new Int32Array(64))],
    ],
    ['another array', () => [slice(0, 0, new Float64Array(64) as never)]],
    ['a shared buffer', () => [slice(0, 0, new Int32Array(new SharedArrayBuffer(4)))]],
    ['a plain array', () => [slice(0, 0, [1] as never)]],
    ['five slices', () => [0, 1, 2, 3, 4].map((sequence) => slice(sequence, 0, ids(1)))],
    ['a number as sampler', () => [{ ...slice(0, 0, ids(1)), sampler: 3 as never }]],
    ['a null slice', () => [null as never]],
  ] as [string, () => NativeSlice[]][])('%s', async (_, slices) => {
    clear();
    await tiny.decoder.context.step([slice(3, 0, ids(1, 2))]);
    const act = async () => tiny.decoder.context.step(slices());
    await expect(act).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await step(slice(3, 2, ids(1)));
  });

  it('a sampler of two slices, and one of another vocabulary', async () => {
    clear();
    const sampler = tiny.decoder.sampler();
    const both = [0, 1].map((sequence) => ({ ...slice(sequence, 0, ids(1)), sampler }));
    expect(() => tiny.decoder.context.step(both)).toThrow(/sampler of its own/);
    const small = join(tiny.folder, 'small.gguf');
    await writeTinyDecoder(small, { sizes: { nVocab: 270 } });
    const other = await openDecoder(small);
    const foreign = sampled(
      { sequence: 0, position: 0, data: ids(1) },
      {
        ...other,
        sampler: () => other.sampler(),
      },
    );
    expect(() => tiny.decoder.context.step([foreign])).toThrow(/another model/);
    await other.dispose();
  });

  it('everything while a step is running', async () => {
    clear();
    const running = step(slice(0, 0, PROMPT));
    const busy = /one operation at a time/;
    expect(() => tiny.decoder.context.step([slice(1, 0, ids(1))])).toThrow(busy);
    expect(() => tiny.decoder.context.removePositions(0, 0)).toThrow(busy);
    expect(() => tiny.decoder.context.copySequence(0, 1, 1)).toThrow(busy);
    await running;
  });
});
