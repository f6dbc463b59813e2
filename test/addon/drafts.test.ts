/** Guessed tokens in one step: each that is right brings the sample that a step of its own would bring, others leave no trace. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeSample, NativeSamplerOptions } from '../../src/binding.js';
import { decoderSteps, ids, PROMPT, rowsOf } from '../support/decoder-steps.js';
import { expectSame } from '../support/samples.js';
import { CONTEXT_OPTIONS, TINY } from '../support/tiny-decoder.js';

const tiny = decoderSteps();
const { slice, step, clear } = tiny;
const MOST = CONTEXT_OPTIONS.nSeqMax - 1;

const WAYS: Record<string, Partial<NativeSamplerOptions>> = {
  greedy: {},
  sampled: { temperature: 1.5, seed: 7, topP: 0.9 },
  penalised: { temperature: 1, seed: 3, repetitionPenalty: 1.4, frequencyPenalty: 0.5 },
  'in a grammar': {
    temperature: 1,
    seed: 11,
    grammar: 'root ::= ([a-c] [d-f])* "."',
    grammarTrigger: '',
    endTokens: Int32Array.of(TINY.nVocabUsed - 2),
  },
};

/** One token a step. */
async function plain(options: Partial<NativeSamplerOptions>, count: number) {
  clear();
  const sampler = tiny.decoder.sampler({ nTop: TINY.nVocab, ...options });
  const samples = await step({ ...slice(0, 0, PROMPT), sampler });
  for (let i = 1; i < count; i++) {
    const data = ids(samples.at(-1)!.token);
    samples.push(...(await step({ ...slice(0, PROMPT.length + i - 1, data), sampler })));
  }
  return samples;
}

const all = (sample: NativeSample) => [sample, ...(sample.further ?? [])];

function expectAlike(given: NativeSample[], expected: NativeSample[]): void {
  expect(given.map(({ token }) => token)).toEqual(expected.map(({ token }) => token));
  for (const [i, sample] of given.entries()) {
    expectSame(sample, expected[i]!);
    expect(Math.abs(sample.logprob - expected[i]!.logprob)).toBeLessThan(5e-5);
  }
}

describe.each(Object.entries(WAYS))('%s', (_, options) => {
  let expected: NativeSample[];
  let tokens: number[];
  beforeAll(async () => {
    expected = await plain(options, 12);
    tokens = expected.map(({ token }) => token);
  });

  /** Drafts what comes next, spoilt at each place where `isWrong` says so. */
  async function drafting(isWrong: (place: number) => boolean) {
    clear();
    const sampler = tiny.decoder.sampler({ nTop: TINY.nVocab, ...options });
    const samples = await step({ ...slice(0, 0, PROMPT), sampler });
    let steps = 0;
    while (samples.length < tokens.length) {
      const n = samples.length;
      const draft = tokens
        .slice(n, n + MOST)
        .map((token, i) => (isWrong(n + i) ? (token + 1) % TINY.nVocabUsed : token));
      const data = ids(samples.at(-1)!.token, ...draft);
      const position = PROMPT.length + n - 1;
      const [next] = await step({ ...slice(0, position, data), sampler, drafted: draft.length });
      samples.push(...all(next!));
      steps++;
    }
    return { samples: samples.slice(0, tokens.length), steps };
  }

  it('right guesses bring what single steps bring', async () => {
    const { samples, steps } = await drafting(() => false);
    expectAlike(samples, expected);
    expect(steps).toBe(3);
  });

  it('from the first wrong one on they leave no trace', async () => {
    const { samples, steps } = await drafting((place) => place % 5 === 2);
    expectAlike(samples, expected);
    expect(steps).toBeGreaterThan(3);
    expectAlike((await drafting(() => true)).samples, expected);
  });

  it('a step that fails leaves sampler and cache as they were', async () => {
    clear();
    const sampler = tiny.decoder.sampler({ nTop: TINY.nVocab, ...options });
    await step({ ...slice(0, 0, PROMPT), sampler });
    await step(slice(1, 0, PROMPT));
    const draft = tokens.slice(1, 3);
    const data = ids(tokens[0]!, ...draft);
    const guessing = { ...slice(0, PROMPT.length, data), sampler, drafted: 2 };
    // Ids come first, so the guesses have been taken when the rows do not fit.
    const tooMany = slice(2, 0, rowsOf(PROMPT.subarray(0, 56)));
    await expect(step(guessing, tooMany)).rejects.toMatchObject({ code: 'ERR_CONTEXT_FULL' });
    const [sample] = await step(guessing);
    expectAlike(all(sample!), expected.slice(1, 4));
  });
});

it('several sequences draft in one step, beside one that does not', async () => {
  const expected = await plain({}, 4);
  const [a, b, c] = expected.map(({ token }) => token);
  clear();
  for (const sequence of [0, 1]) await step(slice(sequence, 0, PROMPT));
  const samples = await step(
    { ...slice(0, PROMPT.length, ids(a!, b!)), drafted: 1 },
    { ...slice(1, PROMPT.length, ids(a!, c! === b ? 0 : c!)), drafted: 1 },
  );
  expectAlike(all(samples[0]!), expected.slice(1, 3));
  expectAlike(all(samples[1]!), expected.slice(1, 2));
});

describe('a draft is refused', () => {
  const data = ids(1, 2, 3);
  it.each<[string, () => object]>([
    ['without a token before it', () => ({ drafted: 3 })],
    ['without a sampler', () => ({ drafted: 1, sampler: null })],
    ['of rows', () => ({ drafted: 1, data: rowsOf(data) })],
    ['of less than nothing', () => ({ drafted: -1 })],
    ['of a half', () => ({ drafted: 0.5 })],
  ])('%s', async (_, change) => {
    clear();
    const act = async () => tiny.decoder.context.step([{ ...slice(0, 0, data), ...change() }]);
    await expect(act).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('beyond the samples of a step', async () => {
    clear();
    expect(tiny.decoder.context.nOutputs).toBe(CONTEXT_OPTIONS.nSeqMax);
    const long = ids(1, 2, 3, 4, 5);
    const act = async () => step({ ...slice(0, 0, long), drafted: 4 });
    await expect(act).rejects.toThrow(/at most 4 samples/);
    await step({ ...slice(0, 0, long), drafted: 3 });
  });
});
