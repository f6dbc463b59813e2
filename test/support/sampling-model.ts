/**
 * What choosing a token means, straight from transformers' logits processors: whole sorted arrays, f64, no
 * shortcuts. The addon's sampler is compared with it draw by draw.
 */
import type { NativeSamplerOptions } from '../../src/binding.js';

type Processor = (scores: number[], options: NativeSamplerOptions) => number[];

export function softmax(scores: number[]): number[] {
  const max = Math.max(...scores);
  const exps = scores.map((score) => Math.exp(score - max));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

const keep = (scores: number[], isKept: (id: number) => boolean) =>
  scores.map((score, id) => (isKept(id) ? score : -Infinity));

/** Ids by a key, ascending, the lower id first among equals. */
const sortedBy = (keys: number[]) =>
  keys.map((_, id) => id).sort((a, b) => keys[a]! - keys[b]! || a - b);

const topK: Processor = (scores, { topK: k }) => {
  if (k === 0) return scores;
  const worst = [...scores].sort((a, b) => b - a)[Math.min(k, scores.length) - 1]!;
  return keep(scores, (id) => scores[id]! >= worst);
};

const topP: Processor = (scores, { topP: p }) => {
  if (p >= 1) return scores;
  const probabilities = softmax(scores);
  const kept = new Set<number>();
  let sum = 0;
  for (const id of sortedBy(scores.map((score) => -score))) {
    if (sum >= p) break;
    kept.add(id);
    sum += probabilities[id]!;
  }
  return keep(scores, (id) => kept.has(id));
};

const minP: Processor = (scores, { minP: share }) => {
  const probabilities = softmax(scores);
  const worst = share * Math.max(...probabilities);
  return keep(scores, (id) => probabilities[id]! >= worst);
};

const typicalP: Processor = (scores, { typicalP: mass }) => {
  if (mass >= 1) return scores;
  const probabilities = softmax(scores);
  const entropy = -probabilities.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0);
  const distance = probabilities.map((p) => Math.abs(-Math.log(p) - entropy));
  const order = sortedBy(distance);
  let sum = 0;
  const last = order.findIndex((id) => {
    sum += probabilities[id]!;
    return sum >= mass;
  });
  const worst = distance[order.at(last)!]! + 1e-6;
  return keep(scores, (id) => distance[id]! <= worst);
};

/** The `n`-th number of SplitMix64 as a fraction. */
function uniform(seed: number, n: number): number {
  const wrap = (value: bigint) => BigInt.asUintN(64, value);
  let z = wrap(BigInt(seed) + BigInt(n + 1) * 0x9e3779b97f4a7c15n);
  z = wrap((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = wrap((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
}

/** Logits after bias and penalties, without the padding ids. */
function penalised(logits: number[], options: NativeSamplerOptions, generated: number[]): number[] {
  const scores = logits.slice(0, options.nVocabUsed);
  options.biasTokens.forEach((id, i) => {
    if (id < scores.length) scores[id]! += options.biasValues[i]!;
  });
  for (const id of new Set(generated)) {
    const score = scores[id]!;
    const count = generated.filter((other) => other === id).length;
    scores[id] =
      (score > 0 ? score / options.repetitionPenalty : score * options.repetitionPenalty) -
      options.frequencyPenalty * count -
      options.presencePenalty;
  }
  return scores;
}

/** The probability of each id. */
export function distribution(
  logits: number[],
  options: NativeSamplerOptions,
  generated: number[] = [],
): number[] {
  let scores = penalised(logits, options, generated);
  if (options.temperature === 0) {
    const best = scores.indexOf(Math.max(...scores));
    return scores.map((_, id) => (id === best ? 1 : 0));
  }
  scores = scores.map((score) => score / options.temperature);
  for (const process of [topK, topP, minP, typicalP]) scores = process(scores, options);
  return softmax(scores);
}

export function chooseToken(
  logits: number[],
  options: NativeSamplerOptions,
  generated: number[],
): number {
  let rest = uniform(options.seed, generated.length);
  const probabilities = distribution(logits, options, generated);
  const chosen = probabilities.findIndex((probability) => {
    rest -= probability;
    return rest < 0;
  });
  return chosen >= 0 ? chosen : probabilities.findLastIndex((probability) => probability > 0);
}
