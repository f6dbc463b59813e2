/**
 * Sampling options: what a caller may say about choosing the next token, checked and completed for the addon.
 *
 * Order of the transformations, as in transformers: logit bias, then repetition, presence and frequency
 * penalties (over generated tokens; penalty-scope.ts), then temperature, top-k, top-p, min-p, typical-p, then the draw.
 */
import { randomInt } from 'node:crypto';
import type { NativeSamplerOptions } from '../binding.js';
import { invalidArgument } from '../errors.js';
import { checkNumber } from '../option-checks.js';

export interface SamplingOptions {
  /** 0 to 100; 0 takes the most probable token. Default 0: the reference's demonstrations are greedy. */
  temperature?: number;
  /** Keeps the k most probable tokens; 0 keeps all. Default: the model file's, else 0. Needs temperature > 0. */
  topK?: number;
  /** Keeps the smallest set with this probability, above 0 to 1. Default: the model file's, else 1. Needs temperature > 0. */
  topP?: number;
  /** Drops tokens less probable than this share of the best, 0 to 1. Default 0. Needs temperature > 0. */
  minP?: number;
  /** Locally typical sampling, above 0 to 1; 1 is off. Default 1. Needs temperature > 0. */
  typicalP?: number;
  /** Divides positive and multiplies negative logits of generated tokens, above 0 to 100. Also when greedy.
   *  Default: the model file's, as in the reference, else 1 (off). */
  repetitionPenalty?: number;
  /** Subtracted once from the logit of every generated token, -100 to 100. Default 0. */
  presencePenalty?: number;
  /** Subtracted per occurrence from the logit of every generated token, -100 to 100. Default 0. */
  frequencyPenalty?: number;
  /** 0 to 2³² - 1; the result reports the one used. Default: random. */
  seed?: number;
  /** Added to the logits of these token ids; -Infinity bans a token. */
  logitBias?: Readonly<Record<number, number>> | ReadonlyMap<number, number>;
  /** How many alternatives, 0 to 100, each chunk lists besides its own log-probability. Default: neither. */
  topLogprobs?: number;
}

export const SAMPLING_OPTIONS = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'typicalP',
  'repetitionPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'logitBias',
  'topLogprobs',
] as const satisfies readonly (keyof SamplingOptions)[];

/** What the decoder file contributes. */
export interface SamplingFacts {
  nVocab: number;
  nVocabUsed: number;
  sampling: { topK?: number; topP?: number; repetitionPenalty?: number };
}

const MAX_SEED = 2 ** 32 - 1;

/** Checks the options against the model and fills the defaults. @throws ERR_INVALID_ARGUMENT */
export function resolveSampling(
  options: SamplingOptions,
  model: SamplingFacts,
): NativeSamplerOptions {
  const file = model.sampling;
  const bias = resolveBias(options.logitBias, model);
  const orFile = (value: unknown, fromFile: unknown) => (value === undefined ? fromFile : value);
  const count = { min: 0, max: 2 ** 31 - 1, integer: true };
  const penalty = { min: -100, max: 100, fallback: 0 };
  const share = { min: 0, max: 1, aboveMin: true };
  return {
    temperature: checkNumber('temperature', options.temperature, { min: 0, max: 100, fallback: 0 }),
    topK: checkNumber('topK', orFile(options.topK, file.topK), { ...count, fallback: 0 }),
    topP: checkNumber('topP', orFile(options.topP, file.topP), { ...share, fallback: 1 }),
    minP: checkNumber('minP', options.minP, { min: 0, max: 1, fallback: 0 }),
    typicalP: checkNumber('typicalP', options.typicalP, { ...share, fallback: 1 }),
    repetitionPenalty: checkNumber(
      'repetitionPenalty',
      orFile(options.repetitionPenalty, file.repetitionPenalty),
      { min: 0, max: 100, aboveMin: true, fallback: 1 },
    ),
    presencePenalty: checkNumber('presencePenalty', options.presencePenalty, penalty),
    frequencyPenalty: checkNumber('frequencyPenalty', options.frequencyPenalty, penalty),
    seed:
      checkNumber('seed', options.seed, {
        min: 0,
        max: MAX_SEED,
        integer: true,
        fallback: undefined,
      }) ?? randomInt(MAX_SEED + 1),
    nTop: Math.min(
      checkNumber('topLogprobs', options.topLogprobs, {
        min: 0,
        max: 100,
        integer: true,
        fallback: 0,
      }),
      model.nVocabUsed,
    ),
    biasTokens: Int32Array.from(bias.keys()),
    biasValues: Float32Array.from(bias.values()),
    nVocabUsed: model.nVocabUsed,
  };
}

function resolveBias(option: unknown, model: SamplingFacts): Map<number, number> {
  if (option === undefined) return new Map();
  if (typeof option !== 'object' || option === null || Array.isArray(option)) {
    throw invalidArgument('logitBias', 'an object or a Map from token ids to numbers', option);
  }
  const entries: Iterable<[unknown, unknown]> =
    option instanceof Map ? option : Object.entries(option);
  const bias = new Map<number, number>();
  for (const [key, value] of entries) {
    const token = typeof key === 'string' && key !== '' ? Number(key) : key;
    if (!Number.isInteger(token) || (token as number) < 0 || (token as number) >= model.nVocab) {
      throw invalidArgument('logitBias', `token ids from 0 to ${model.nVocab - 1} as keys`, key);
    }
    bias.set(token as number, checkBias(token as number, value));
  }
  const banned = [...bias].filter(([id, value]) => value === -Infinity && id < model.nVocabUsed);
  if (banned.length === model.nVocabUsed) {
    throw invalidArgument('logitBias', 'at least one token that is not banned', option);
  }
  return bias;
}

function checkBias(token: number, value: unknown): number {
  const fits = typeof value === 'number' && (Math.abs(value) <= 1e6 || value === -Infinity);
  if (fits) return value;
  throw invalidArgument(`logitBias[${token}]`, 'a number from -1e6 to 1e6, or -Infinity', value);
}
