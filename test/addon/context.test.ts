import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeSample, NativeSlice } from '../../src/binding.js';
import { randomNormal } from '../support/random.js';
import { expectSame } from '../support/samples.js';
import {
  CONTEXT_OPTIONS,
  type OpenDecoder,
  openDecoder,
  TINY,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
const path = join(folder.path, 'tiny.gguf');
let decoder: OpenDecoder;

beforeAll(async () => {
  await writeTinyDecoder(path);
  decoder = await openDecoder(path);
});
afterAll(async () => {
  await decoder.dispose();
  folder.remove();
});

const ids = (...tokens: number[]) => Int32Array.from(tokens);
const PROMPT = ids(...Array.from({ length: 100 }, (_, i) => (i * 37) % 250));
/** The rows that the file's embedding gives for ids: it is the first random tensor written. */
function rowsOf(tokens: Int32Array): Float32Array {
  const normal = randomNormal(1);
  const scale = 2 / Math.sqrt(TINY.nEmbd);
  const table = Float32Array.from({ length: TINY.nEmbd * TINY.nVocab }, () => scale * normal());
  const rows = new Float32Array(tokens.length * TINY.nEmbd);
  tokens.forEach((id, i) => {
    rows.set(table.subarray(id * TINY.nEmbd, (id + 1) * TINY.nEmbd), i * TINY.nEmbd);
  });
  return rows;
}

const sampled = (slice: Omit<NativeSlice, 'sampler'>, from = decoder): NativeSlice => ({
  ...slice,
  sampler: from.sampler({ nTop: TINY.nVocab }),
});
const slice = (sequence: number, position: number, data: NativeSlice['data']) =>
  sampled({ sequence, position, data });

/** Runs a step and returns its samples; slices must all have samplers. */
const step = async (...slices: NativeSlice[]) =>
  (await decoder.context.step(slices)) as NativeSample[];

function clear(): void {
  for (let sequence = 0; sequence < CONTEXT_OPTIONS.nSeqMax; sequence++)
    decoder.context.removePositions(sequence, 0, -1);
}

/** The answer of a fresh sequence to a prompt: what everything else is compared with. */
async function fresh(prompt: Int32Array): Promise<NativeSample> {
  clear();
  const [result] = await step(slice(0, 0, prompt));
  clear();
  return result!;
}

describe('step', () => {
  it('does not depend on how a prompt is cut into steps', async () => {
    const whole = await fresh(PROMPT);
    for (const cuts of [
      [1, 2, 50, 100],
      [64, 100],
      [99, 100],
    ]) {
      let from = 0;
      for (const to of cuts.slice(0, -1)) {
        const data = PROMPT.subarray(from, to);
        expect(await decoder.context.step([{ ...slice(0, from, data), sampler: null }])).toEqual([
          null,
        ]);
        from = to;
      }
      const [last] = await step(slice(0, from, PROMPT.subarray(from)));
      expectSame(last!, whole);
      clear();
    }
  });

  it('gives several sequences what each would get alone', async () => {
    const prompts = [PROMPT.subarray(0, 20), PROMPT.subarray(30, 31), PROMPT.subarray(50, 90)];
    const alone: NativeSample[] = [];
    for (const prompt of prompts) alone.push(await fresh(prompt));
    const together = await step(...prompts.map((prompt, i) => slice(i, 0, prompt)));
    together.forEach((result, i) => {
      expectSame(result, alone[i]!);
    });
    const next = ids(1, 2, 3);
    const again = await step(
      ...prompts.map((prompt, i) => slice(i, prompt.length, next.subarray(i, i + 1))),
    );
    for (const [i, prompt] of prompts.entries())
      expectSame(again[i]!, await fresh(ids(...prompt, next[i]!)));
  });

  it('takes rows as it takes the tokens they embed', async () => {
    const whole = await fresh(PROMPT);
    expectSame((await step(slice(0, 0, rowsOf(PROMPT))))[0]!, whole, 1e-6);
    clear();
    await step(slice(0, 0, PROMPT.subarray(0, 10)));
    await step(slice(0, 10, rowsOf(PROMPT.subarray(10, 60))));
    expectSame((await step(slice(0, 60, PROMPT.subarray(60))))[0]!, whole);
  });

  it('decodes tokens and rows of several sequences in one step', async () => {
    const parts = [0, 20, 40, 60].map((from) => PROMPT.subarray(from, from + 20));
    const alone: NativeSample[] = [];
    for (const part of parts) alone.push(await fresh(part));
    const mixed = await step(
      ...parts.map((part, i) => slice(i, 0, i % 2 === 0 ? rowsOf(part) : part)),
    );
    mixed.forEach((result, i) => {
      expectSame(result, alone[i]!);
    });
    clear();
  });

  it('gives the same answers from two threads and from two contexts that share them', async () => {
    const expected = await fresh(PROMPT);
    const other = await openDecoder(path, { threads: 2 });
    const binding = native();
    const second = await binding.createContext(other.model, other.pool, CONTEXT_OPTIONS);
    const results = await Promise.all(
      [other.context, second].map((context) =>
        context.step([sampled({ sequence: 0, position: 0, data: PROMPT }, other)]),
      ),
    );
    for (const [result] of results) expectSame(result!, expected);
    await second.dispose();
    await other.dispose();
  });
});

describe('sequences', () => {
  it('share a prefix without using more cells', async () => {
    clear();
    const prefix = PROMPT.subarray(0, 90);
    await decoder.context.step([{ ...slice(0, 0, prefix), sampler: null }]);
    for (const target of [1, 2, 3]) decoder.context.copySequence(0, target, 80);
    // 4 × 90 positions would not fit in 256 cells.
    const tails = [1, 2, 3].map((target) => ids(...PROMPT.subarray(80, 90), target));
    const results = await step(...tails.map((tail, i) => slice(i + 1, 80, tail)));
    for (const [i, tail] of tails.entries())
      expectSame(results[i]!, await fresh(ids(...PROMPT.subarray(0, 80), ...tail)));
  });

  it('go on from an earlier position after the rest is removed', async () => {
    clear();
    await step(slice(0, 0, PROMPT));
    decoder.context.removePositions(0, 30, -1);
    const [result] = await step(slice(0, 30, ids(5, 6)));
    expectSame(result!, await fresh(ids(...PROMPT.subarray(0, 30), 5, 6)));
  });

  it('survive the removal of the sequence they were copied from', async () => {
    clear();
    await step(slice(0, 0, PROMPT));
    decoder.context.copySequence(0, 1, 100);
    decoder.context.removePositions(0, 0, -1);
    const [result] = await step(slice(1, 100, ids(9)));
    expectSame(result!, await fresh(ids(...PROMPT, 9)));
  });

  it.each([
    ['a target that is not empty', 0, 1, 5],
    ['itself', 0, 0, 5],
    ['more than there is', 0, 2, 11],
    ['a sequence that does not exist', 0, 4, 5],
    ['a negative end', 0, 2, -1],
  ])('refuse to be copied to or by %s', async (_, source, target, to) => {
    clear();
    await step(slice(0, 0, PROMPT.subarray(0, 10)), slice(1, 0, ids(1)));
    const error = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    expect(() => decoder.context.copySequence(source, target, to)).toThrow(error);
  });
});

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
    decoder.context.removePositions(1, 0, -1);
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
    decoder.context.removePositions(2, 0, -1);
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
    const file = join(folder.path, 'nan.gguf');
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
    other.context.removePositions(0, 0, -1);
    expectSame((await run(0, 0, 4))[0]!, first!);
    await other.dispose();
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
    await decoder.context.step([slice(3, 0, ids(1, 2))]);
    const act = async () => decoder.context.step(slices());
    await expect(act).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await step(slice(3, 2, ids(1)));
  });

  it('a sampler of two slices, and one of another vocabulary', async () => {
    clear();
    const sampler = decoder.sampler();
    const both = [0, 1].map((sequence) => ({ ...slice(sequence, 0, ids(1)), sampler }));
    expect(() => decoder.context.step(both)).toThrow(/sampler of its own/);
    const small = join(folder.path, 'small.gguf');
    await writeTinyDecoder(small, { sizes: { nVocab: 270 } });
    const other = await openDecoder(small);
    const foreign = sampled(
      { sequence: 0, position: 0, data: ids(1) },
      {
        ...other,
        sampler: () => other.sampler(),
      },
    );
    expect(() => decoder.context.step([foreign])).toThrow(/another model/);
    await other.dispose();
  });

  it('everything while a step is running', async () => {
    clear();
    const running = step(slice(0, 0, PROMPT));
    const busy = /one operation at a time/;
    expect(() => decoder.context.step([slice(1, 0, ids(1))])).toThrow(busy);
    expect(() => decoder.context.removePositions(0, 0, -1)).toThrow(busy);
    expect(() => decoder.context.copySequence(0, 1, 1)).toThrow(busy);
    await running;
  });
});
