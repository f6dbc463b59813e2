// What quantising may change on the demo: no golden answer in q8_0, few of the drawn questions' in q4_k_m.
// LLAVAOV_FULL=1 asks all 600; npm test every fifth of each kind.
import { afterEach, expect, it } from 'vitest';
import { LlavaOneVision, type LoadOptions } from '../../src/index.js';
import { answerAll, questions } from '../support/demo-questions.js';
import { convertedFiles, type GoldenCase, goldenCases } from '../support/golden.js';

let model: LlavaOneVision | undefined;
afterEach(() => model?.dispose());

async function load(files: Pick<LoadOptions, 'model' | 'mmproj'>): Promise<LlavaOneVision> {
  await model?.dispose();
  model = await LlavaOneVision.load({ ...files, contextSize: 8192, threads: 1 });
  return model;
}

async function goldenAnswers(model: LlavaOneVision, golden: GoldenCase[]) {
  const answers: Record<string, string> = {};
  for (const { id, messages, dialect } of golden) {
    expect(dialect).toBe('llava-next');
    const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 64 };
    answers[id] = (await model.chat(messages, options).result).text;
  }
  return answers;
}

it('q8_0 answers every golden case as f32', async () => {
  const golden = goldenCases('demo');
  const expected = await goldenAnswers(await load(await convertedFiles('demo', 'f32')), golden);
  const answers = await goldenAnswers(await load(await convertedFiles('demo', 'q8_0')), golden);
  expect(golden.length).toBeGreaterThan(15);
  expect(answers).toEqual(expected);
});

it('q4_k_m answers at least 95 % of the drawn questions as f32', async () => {
  const f32 = await load(await convertedFiles('demo', 'f32'));
  const expected = await answerAll(f32, questions, 8);
  const quantised = await load(await convertedFiles('demo', 'q4_k_m', 'q8_0'));
  const answers = await answerAll(quantised, questions, 8);
  const other = questions
    .filter(({ id }) => answers.get(id) !== expected.get(id))
    .map(({ id, margin }) => `${id} (margin ${margin}): ${answers.get(id)}`);
  expect(other.length, other.join('\n')).toBeLessThanOrEqual(0.05 * questions.length);
});
