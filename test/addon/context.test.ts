/** Steps and sequences: what a context answers, whatever else it holds and however its work is cut. */
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeSample } from '../../src/binding.js';
import { decoderSteps, ids, PROMPT, rowsOf } from '../support/decoder-steps.js';
import { expectSame } from '../support/samples.js';
import { CONTEXT_OPTIONS, openDecoder } from '../support/tiny-decoder.js';

const tiny = decoderSteps();
const { sampled, slice, step, clear, fresh } = tiny;

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
        expect(
          await tiny.decoder.context.step([{ ...slice(0, from, data), sampler: null }]),
        ).toEqual([null]);
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
    const other = await openDecoder(tiny.path, { threads: 2 });
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
    await tiny.decoder.context.step([{ ...slice(0, 0, prefix), sampler: null }]);
    for (const target of [1, 2, 3]) tiny.decoder.context.copySequence(0, target, 80);
    // 4 × 90 positions would not fit in 256 cells.
    const tails = [1, 2, 3].map((target) => ids(...PROMPT.subarray(80, 90), target));
    const results = await step(...tails.map((tail, i) => slice(i + 1, 80, tail)));
    for (const [i, tail] of tails.entries())
      expectSame(results[i]!, await fresh(ids(...PROMPT.subarray(0, 80), ...tail)));
  });

  it('go on from an earlier position after the rest is removed', async () => {
    clear();
    await step(slice(0, 0, PROMPT));
    tiny.decoder.context.removePositions(0, 30);
    const [result] = await step(slice(0, 30, ids(5, 6)));
    expectSame(result!, await fresh(ids(...PROMPT.subarray(0, 30), 5, 6)));
  });

  it('survive the removal of the sequence they were copied from', async () => {
    clear();
    await step(slice(0, 0, PROMPT));
    tiny.decoder.context.copySequence(0, 1, 100);
    tiny.decoder.context.removePositions(0, 0);
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
    expect(() => tiny.decoder.context.copySequence(source, target, to)).toThrow(error);
  });
});
