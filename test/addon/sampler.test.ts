import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeSample, NativeSampler, NativeSamplerOptions } from '../../src/binding.js';
import { randomNormal, randomUniform } from '../support/random.js';
import { chooseToken, distribution, softmax } from '../support/sampling-model.js';
import {
  ECHO,
  echoLogits,
  GREEDY,
  type OpenDecoder,
  openDecoder,
  temporaryFolder,
  writeEchoDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
let decoder: OpenDecoder;

beforeAll(async () => {
  decoder = await openDecoder(await writeEchoDecoder(join(folder.path, 'echo.gguf')));
});
afterAll(async () => {
  await decoder.dispose();
  folder.remove();
});

const normal = randomNormal(7);
const randomRow = () => Float32Array.from({ length: ECHO.nEmbd }, normal);
const rowOf = (values: Record<number, number>) =>
  Float32Array.from({ length: ECHO.nEmbd }, (_, id) => values[id] ?? -1);

/** Samples from the logits echoLogits(row). */
async function sample(row: Float32Array, sampler: NativeSampler): Promise<NativeSample> {
  const slice = { sequence: 0, position: 0, data: row, sampler };
  const [result] = await decoder.context.step([slice]);
  decoder.context.removePositions(0, 0);
  return result!;
}

async function draws(row: Float32Array, options: Partial<NativeSamplerOptions>, count: number) {
  const sampler = decoder.sampler(options);
  const tokens: number[] = [];
  for (let i = 0; i < count; i++) tokens.push((await sample(row, sampler)).token);
  return tokens;
}

const biased = (bias: Record<number, number>) => ({
  biasTokens: Int32Array.from(Object.keys(bias).map(Number)),
  biasValues: Float32Array.from(Object.values(bias)),
});

const banAll = () =>
  Object.fromEntries(Array.from({ length: ECHO.nVocab }, (_, id) => [id, -Infinity]));

describe('log-probabilities', () => {
  it('are the log-softmax of the raw logits over the whole vocabulary', async () => {
    const row = randomRow();
    const options = { nTop: ECHO.nVocab, repetitionPenalty: 2, ...biased({ 3: 50 }) };
    const result = await sample(row, decoder.sampler({ ...options, temperature: 2, seed: 1 }));
    const expected = softmax(echoLogits(row)).map(Math.log);
    const order = expected.map((_, id) => id).sort((a, b) => expected[b]! - expected[a]!);
    expect([...result.topTokens]).toEqual(order);
    order.forEach((id, i) => {
      expect(Math.abs(result.topLogprobs[i]! - expected[id]!)).toBeLessThan(1e-5);
    });
    expect(result.token).toBe(3);
    expect(Math.abs(result.logprob - expected[3]!)).toBeLessThan(1e-5);
  });

  it('stay exact with one dominant token and with large logits far apart', async () => {
    const row = rowOf({ 5: 200, 6: 190 });
    const { token, logprob, topTokens } = await sample(row, decoder.sampler({ nTop: 3 }));
    expect([token, ...topTokens]).toEqual([5, 5, 6, 0]);
    expect(Math.abs(logprob - Math.log(softmax(echoLogits(row))[5]!))).toBeLessThan(1e-6);
  });

  it('list nothing unless asked', async () => {
    const { topTokens, topLogprobs } = await sample(randomRow(), decoder.sampler());
    expect([topTokens.length, topLogprobs.length]).toEqual([0, 0]);
  });
});

describe('greedy', () => {
  it('takes the lowest id among equals, also in the listed alternatives', async () => {
    const result = await sample(rowOf({ 9: 2, 40: 2, 200: 2 }), decoder.sampler({ nTop: 4 }));
    expect([result.token, ...result.topTokens]).toEqual([9, 9, 40, 200, 0]);
  });

  it('never takes padding, but counts it in log-probabilities', async () => {
    const row = rowOf({ 280: 9, 17: 3 });
    const { token, topTokens } = await sample(row, decoder.sampler({ nTop: 1 }));
    expect([token, topTokens[0]]).toEqual([17, 280]);
    const drawn = await draws(row, { temperature: 5 }, 100);
    expect(Math.max(...drawn)).toBeLessThan(GREEDY.nVocabUsed);
  });

  it('equals topK 1 at any temperature', async () => {
    for (let i = 0; i < 10; i++) {
      const row = randomRow();
      const [token] = await draws(row, {}, 1);
      expect(await draws(row, { temperature: 1.7, topK: 1, seed: i }, 3)).toEqual(
        Array(3).fill(token),
      );
      expect(await draws(row, { temperature: 1e-30, seed: i }, 1)).toEqual([token]);
    }
  });
});

describe('against the model of transformers', () => {
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);

  function randomOptions(seed: number): NativeSamplerOptions {
    const uniform = randomUniform(seed);
    const often = (on: () => number, off: number) => (uniform() < 0.5 ? on() : off);
    return {
      ...GREEDY,
      seed,
      temperature: often(() => 0.3 + 2 * uniform(), 1),
      topK: often(() => 1 + Math.floor(100 * uniform()), 0),
      topP: often(() => 0.05 + 0.95 * uniform(), 1),
      minP: often(() => 0.3 * uniform(), 0),
      typicalP: often(() => 0.05 + 0.95 * uniform(), 1),
      repetitionPenalty: often(() => 0.5 + 2 * uniform(), 1),
      presencePenalty: often(() => 4 * uniform() - 2, 0),
      frequencyPenalty: often(() => 4 * uniform() - 2, 0),
      ...biased({ 3: often(() => 8 * uniform() - 2, 0), 270: 99, 8: -Infinity }),
    };
  }

  it.each(seeds)('draws the same tokens with options %i', async (seed) => {
    const options = randomOptions(seed);
    const row = randomRow();
    const tokens = await draws(row, options, 12);
    const expected: number[] = [];
    for (const _ of tokens) expected.push(chooseToken(echoLogits(row), options, expected));
    expect(tokens).toEqual(expected);
  });

  it('keeps tokens that tie with the k-th best', async () => {
    const row = rowOf({ 1: 3, 2: 2, 30: 2, 200: 2 });
    const seen = new Set(await draws(row, { temperature: 3, topK: 2, seed: 5 }, 60));
    expect([...seen].sort((a, b) => a - b)).toEqual([1, 2, 30, 200]);
  });

  it('draws with the right frequencies', async () => {
    const row = randomRow();
    const options = { ...GREEDY, temperature: 0.8, topP: 0.9, seed: 11 };
    const tokens = await draws(row, options, 3000);
    const expected = distribution(echoLogits(row), options);
    const kept = expected.flatMap((p, id) => (p > 0 ? [id] : []));
    expect(tokens.every((token) => kept.includes(token))).toBe(true);
    const chiSquare = kept.reduce((sum, id) => {
      const mean = expected[id]! * tokens.length;
      return sum + (tokens.filter((token) => token === id).length - mean) ** 2 / mean;
    }, 0);
    const degrees = kept.length - 1;
    expect(chiSquare).toBeLessThan(degrees + 4 * Math.sqrt(2 * degrees));
  });
});

describe('state', () => {
  it('is reproducible by seed, and differs between seeds', async () => {
    const row = randomRow();
    const [a, b, c] = [
      await draws(row, { temperature: 1, seed: 42 }, 20),
      await draws(row, { temperature: 1, seed: 42 }, 20),
      await draws(row, { temperature: 1, seed: 43 }, 20),
    ];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  it('counts accepted tokens as if they had been sampled', async () => {
    const row = randomRow();
    const options = { temperature: 1, seed: 9, repetitionPenalty: 1.5, frequencyPenalty: 0.5 };
    const tokens = await draws(row, options, 6);
    const resumed = decoder.sampler(options);
    for (const token of tokens.slice(0, 5)) resumed.accept(token);
    expect((await sample(row, resumed)).token).toBe(tokens[5]);
  });

  it('does not change when a step fails', async () => {
    const row = randomRow();
    const options = { temperature: 1, seed: 21, presencePenalty: 1 };
    const expected = await draws(row, options, 2);
    const sampler = decoder.sampler(options);
    await sample(row, sampler);
    const slices = [sampler, decoder.sampler(biased(banAll()))].map((own, sequence) => ({
      ...{ sequence, position: 0, data: row, sampler: own },
    }));
    await expect(decoder.context.step(slices)).rejects.toMatchObject({ code: 'ERR_DECODE' });
    expect((await sample(row, sampler)).token).toBe(expected[1]);
  });
});

describe('refusals', () => {
  it.each([
    ['all tokens banned', randomRow(), biased(banAll()), /leave no token/],
    [
      'all tokens banned when drawing',
      randomRow(),
      { ...biased(banAll()), temperature: 1 },
      /leave/,
    ],
  ] as const)('rejects %s', async (_, row, options, message) => {
    await expect(sample(row, decoder.sampler(options))).rejects.toMatchObject({
      ...{ code: 'ERR_DECODE', status: 0, message: expect.stringMatching(message) },
    });
    expect((await sample(rowOf({ 4: 5 }), decoder.sampler())).token).toBe(4);
  });

  it.each([
    { temperature: NaN },
    { topK: -1 },
    { topK: 1.5 },
    { repetitionPenalty: 0 },
    { frequencyPenalty: Infinity },
    { seed: -1 },
    { nTop: ECHO.nVocab + 1 },
    { nVocabUsed: 0 },
    { nVocabUsed: ECHO.nVocab + 1 },
    { biasTokens: Int32Array.of(1) },
    biased({ [ECHO.nVocab]: 1 }),
    biased({ 1: Infinity }),
    biased({ 1: NaN }),
  ])('refuses the options %o', (options) => {
    const error = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    expect(() => decoder.sampler(options)).toThrow(error);
  });

  it('refuses missing options and tokens outside the vocabulary', () => {
    const error = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    expect(() => new (native().Sampler)(decoder.model, {} as NativeSamplerOptions)).toThrow(error);
    expect(() => decoder.sampler().accept(ECHO.nVocab)).toThrow(error);
    expect(() => decoder.sampler().accept(-1)).toThrow(error);
  });
});
