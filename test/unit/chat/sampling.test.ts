import { describe, expect, it } from 'vitest';
import { resolveSampling, type SamplingOptions } from '../../../src/chat/sampling.js';

const model = { nVocab: 1280, nVocabUsed: 1260, sampling: {} };
const resolve = (options: object, sampling = {}) =>
  resolveSampling(options as SamplingOptions, { ...model, sampling });

describe('defaults', () => {
  it('is greedy without penalties when the file says nothing', () => {
    const { seed, ...rest } = resolve({});
    expect(rest).toEqual({
      temperature: 0,
      topK: 0,
      topP: 1,
      minP: 0,
      typicalP: 1,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      nTop: 0,
      biasTokens: new Int32Array(),
      biasValues: new Float32Array(),
      nVocabUsed: 1260,
    });
    expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
  });

  it('stays greedy with a file that samples, but takes its penalty, topK and topP', () => {
    const file = { temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1.1 };
    const expected = { temperature: 0, topK: 20, topP: 0.8, repetitionPenalty: 1.1 };
    expect(resolve({}, file)).toMatchObject(expected);
    expect(resolve({ repetitionPenalty: 1, topK: 0, topP: 1 }, file)).toMatchObject({
      ...{ repetitionPenalty: 1, topK: 0, topP: 1 },
    });
  });

  it('draws a new seed each time', () => {
    const seeds = new Set(Array.from({ length: 8 }, () => resolve({}).seed));
    expect(seeds.size).toBeGreaterThan(1);
  });
});

it('passes on what is given', () => {
  const bias = new Map([
    [3, 1.5],
    [1259, Number.NEGATIVE_INFINITY],
  ]);
  const given = { temperature: 0.5, topK: 7, topP: 0.9, minP: 0.05, typicalP: 0.7, seed: 42 };
  const penalties = { repetitionPenalty: 1.2, presencePenalty: -1, frequencyPenalty: 0.5 };
  expect(resolve({ ...given, ...penalties, logitBias: bias, topLogprobs: 5 })).toEqual({
    ...given,
    ...penalties,
    nTop: 5,
    nVocabUsed: 1260,
    biasTokens: Int32Array.of(3, 1259),
    biasValues: Float32Array.of(1.5, Number.NEGATIVE_INFINITY),
  });
  expect(resolve({ logitBias: { 3: -2 } }).biasTokens).toEqual(Int32Array.of(3));
});

it('lists no more alternatives than there are tokens', () => {
  expect(resolveSampling({ topLogprobs: 100 }, { ...model, nVocabUsed: 12 }).nTop).toBe(12);
});

const numbers: [keyof SamplingOptions, unknown[], unknown[]][] = [
  ['temperature', [0, 1.5, 100], [-0.1, 100.1]],
  ['topK', [0, 1, 2 ** 31 - 1], [-1, 1.5, 2 ** 31]],
  ['topP', [0.01, 1], [0, -0.1, 1.01]],
  ['minP', [0, 1], [-0.1, 1.1]],
  ['typicalP', [0.01, 1], [0, 1.1]],
  ['repetitionPenalty', [0.5, 1, 100], [0, -1, 101]],
  ['presencePenalty', [-100, 100], [-101, 101]],
  ['frequencyPenalty', [-100, 100], [-101, 101]],
  ['seed', [0, 2 ** 32 - 1], [-1, 2 ** 32, 0.5]],
  ['topLogprobs', [0, 100], [-1, 101, 1.5]],
];

describe.each(numbers)('%s', (name, good, bad) => {
  it.each(good)('takes %s', (value) => {
    expect(() => resolve({ [name]: value })).not.toThrow();
  });

  it.each([...bad, Number.NaN, Number.POSITIVE_INFINITY, '1', null, true, {}])(
    'refuses %s',
    (value) => {
      expect(() => resolve({ [name]: value })).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_ARGUMENT',
          argument: name,
          received: value,
          message: expect.stringMatching(/^Expected an? .* for \w+ but received /),
        }),
      );
    },
  );
});

it.each([
  ['a number', 5],
  ['an array', [1]],
  ['null', null],
  ['an unknown id', { 1280: 1 }],
  ['a negative id', { [-1]: 1 }],
  ['a word', { cat: 1 }],
  ['an empty key', { '': 1 }],
  ['NaN', { 3: Number.NaN }],
  ['+Infinity', { 3: Number.POSITIVE_INFINITY }],
  ['a text', { 3: '1' }],
  ['a ban of everything', new Map(Array.from({ length: 1260 }, (_, i) => [i, -Infinity]))],
])('refuses %s as logitBias', (_, logitBias) => {
  expect(() => resolve({ logitBias })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
  );
});

it('refuses nonsense from the file too, instead of handing it to the addon', () => {
  expect(() => resolve({}, { repetitionPenalty: Number.NaN })).toThrow('repetitionPenalty');
});
