// MathVerse as the hub has it: a split for each version, offline rule and judge in two steps or one.
import { expect, it } from 'vitest';
import { mathVerse } from '../../../../src/eval/benchmarks/mathverse.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  ...{ sample_index: 'string', problem_index: 'string', problem_version: 'string' },
  ...{ question: 'string', image: 'image', answer: 'string', question_type: 'string' },
  ...{ query_wo: 'string', query_cot: 'string', question_for_eval: 'string' },
};

const problem = (sample_index: string, question_type: string, answer: string) => ({
  ...{ sample_index, problem_index: sample_index, problem_version: 'Vision Only' },
  ...{ question: 'Q?', question_for_eval: 'Find x.', query_cot: '', answer, question_type },
  query_wo: 'Please directly answer the question.\nQuestion: Q? ',
});

async function dataset(): Promise<string> {
  const data = datasetFolder(mathVerse);
  const config = 'testmini_version_split';
  const rows = [problem('1', 'multi-choice', 'B'), problem('2', 'free-form', '5 cm')];
  const write = async (split: string, entries: object[]) =>
    writeSplit(data, { config, split }, { columns, rows: await pictured(entries) });
  await write('vision_intensive', rows);
  await write('vision_dominant', rows);
  await write('vision_only', rows);
  return data;
}

const ANSWERS: Record<string, Record<string, string>> = {
  vision_intensive: { 1: 'B', 2: '5 cm.' },
  vision_dominant: { 1: 'A', 2: '6 cm' },
  vision_only: { 1: '(B) or rather (C)', 2: '5 CM' },
};
const answers = ({ id, part }: { id: string; part: string }) => ANSWERS[part]![id]!;

it('asks as documented and approximates without a judge', async () => {
  const data = await dataset();
  const { asked, score, figures } = await runBenchmark(mathVerse, { data, answers });
  expect(asked[0]).toMatchObject({
    prompt: '<image>\nPlease directly answer the question.\nQuestion: Q?',
    ...{ part: 'vision_intensive', images: 1, maxTokens: 1024 },
  });
  expect(score.mathverse).toBe(75); // of intensive and only, 3 of 4
  expect(figures['all three vision splits']).toBe(50);
  expect(figures.vision_dominant).toBe(0);
});

const unit = { id: '1', part: 'p', unit: '1', prompt: '', answer: `${'w '.repeat(40)}so B` };
const answered = [
  { ...unit, gold: { question: 'Find x.', questionType: 'multi-choice', answer: 'B' } },
];
const context = (rules: 'v0.2.2' | 'HEAD', replies: Record<string, string>) => ({
  rules,
  reply: (id: string) => replies[id],
});

it('lets the judge extract from the last thirty words, then compare', () => {
  const none = context('v0.2.2', {});
  const [extraction, ...others] = mathVerse.judge!.requests(answered, none);
  expect(others).toEqual([]);
  expect(extraction).toMatchObject({ id: '1#extraction', maxTokens: 256 });
  expect(extraction!.messages[0]!.content).toContain(`Response: '${'w '.repeat(28)}so B'`);

  const extracted = context('v0.2.2', { '1#extraction': ' B\n' });
  const [, comparison] = mathVerse.judge!.requests(answered, extracted);
  expect(comparison).toMatchObject({ id: '1', maxTokens: 8 });
  expect(comparison!.messages[0]!.content).toContain('[Answer to judge]: B\n');
  expect(comparison!.accepts!('perhaps')).toBe(false);
  expect(mathVerse.score(answered[0]!, extracted)).toMatchObject({ unscored: 'judge required' });

  const judged = context('v0.2.2', { '1#extraction': 'B', 1: 'Judgement: 1' });
  expect(mathVerse.score(answered[0]!, judged)).toEqual({ score: 1, parsed: 'B' });
});

it('asks once about the whole answer under HEAD', () => {
  const [only, ...others] = mathVerse.judge!.requests(answered, context('HEAD', {}));
  expect(others).toEqual([]);
  expect(only!.messages[0]!.content).toContain(answered[0]!.answer);
  expect(mathVerse.score(answered[0]!, context('HEAD', { 1: '0' })).score).toBe(0);
});

it('breaks down by subfield', () => {
  const row = { ...problem('1', 'free-form', '5'), metadata: { subfield: 'Angle' } };
  const sample = mathVerse.sample(row, { part: 'vision_only', rules: 'v0.2.2', index: 0 });
  expect(sample!.category).toBe('Angle');
});
