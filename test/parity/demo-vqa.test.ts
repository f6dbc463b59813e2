// Freshly drawn questions of the demo's six kinds: the reference's answer wherever rounding cannot turn it.
// LLAVAOV_FULL=1 asks all 600; npm test every fifth of each kind.
import { afterEach, expect, it } from 'vitest';
import { LlavaOneVision, type LoadOptions } from '../../src/index.js';
import { allQuestions, answerAll, questions } from '../support/demo-questions.js';
import { convertedFiles } from '../support/golden.js';

const SAFE_MARGIN = 0.05;
const AT_ONCE = 8;

let model: LlavaOneVision | undefined;
afterEach(() => model?.dispose());

async function load(options: Partial<LoadOptions>): Promise<LlavaOneVision> {
  const files = await convertedFiles('demo', 'f32');
  // One thread: the model is so small that several would mostly wait for each other.
  const fixed = { contextSize: 8192, kvType: 'f32', threads: 1 } as const;
  model = await LlavaOneVision.load({ ...files, ...fixed, ...options });
  return model;
}

/** The ids of questions that were answered otherwise than by the reference. */
async function ask(model: LlavaOneVision, nAtOnce: number): Promise<string[]> {
  const asked = questions.filter(({ margin }) => margin > SAFE_MARGIN);
  const answers = await answerAll(model, asked, nAtOnce);
  return asked
    .filter(({ id, reference }) => answers.get(id) !== reference)
    .map(({ id }) => `${id}: ${answers.get(id)}`);
}

it('has a hundred questions of each kind, almost all with a safe margin', () => {
  const kinds = allQuestions.map(({ id }) => id.replace(/-\d+$/, ''));
  for (const kind of new Set(kinds)) expect(kinds.filter((k) => k === kind)).toHaveLength(100);
  expect(new Set(kinds).size).toBe(6);
  expect(allQuestions.filter(({ margin }) => margin > SAFE_MARGIN).length).toBeGreaterThan(570);
});

it('one at a time, without caches', async () => {
  expect(await ask(await load({ visualCacheBytes: 0, prefixCache: false }), 1)).toEqual([]);
});

it('eight at once, then again from the caches', async () => {
  const model = await load({});
  expect(await ask(model, AT_ONCE)).toEqual([]);
  expect(await ask(model, AT_ONCE)).toEqual([]);
});
