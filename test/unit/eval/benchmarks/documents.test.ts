// DocVQA and InfoVQA as the hub has them: ANLS on the validation split, a submission from the test split.
import { expect, it } from 'vitest';
import { docVqa } from '../../../../src/eval/benchmarks/docvqa.js';
import { infoVqa } from '../../../../src/eval/benchmarks/infovqa.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  ...{ image: 'image', question: 'string', answers: 'string[]', questionId: 'string' },
};
const rows = [
  { question: 'Which university?', answers: ['University of California'], questionId: '337' },
  { question: 'Total?', answers: ['1234', '1,234.00'], questionId: '338' },
  { question: 'Where?', answers: ['Rome'], questionId: '339' },
];

it.each([
  ['DocVQA', docVqa],
  ['InfographicVQA', infoVqa],
])('asks %s as documented and scores as by hand', async (config, benchmark) => {
  const data = datasetFolder(benchmark);
  writeSplit(data, { config, split: 'validation' }, { columns, rows: await pictured(rows) });
  const answers = { 337: 'Univ. of California', 338: '1,234', 339: 'Paris' };
  const { asked, score, records } = await runBenchmark(benchmark, { data, answers });
  expect(asked[0]).toEqual({
    id: '337',
    part: 'val',
    prompt: '<image>\nWhich university?\nAnswer the question using a single word or phrase.',
    ...{ images: 1, videos: [], maxTokens: 32 },
  });
  // 6 edits of 24 characters; 1 of 5; 4 of 5, which is below a half
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([0.75, 0.8, 0]);
  expect(score[benchmark.name]).toBeCloseTo(100 * ((0.75 + 0.8) / 3), 10);
});

it.each([
  ['DocVQA', docVqa, 'docvqa_test_for_submission.json'],
  ['InfographicVQA', infoVqa, 'infovqa_test_for_submission.json'],
])('writes the submission of %s', async (config, benchmark, name) => {
  const data = datasetFolder(benchmark);
  const hidden = rows.map((row) => ({ ...row, answers: null }));
  writeSplit(data, { config, split: 'test' }, { columns, rows: await pictured(hidden) });
  const answers = { 337: 'California.', 338: '5', 339: 'Rome' };
  const { score, submissions } = await runBenchmark(benchmark, {
    ...{ data, answers, subset: ['test'] },
  });
  expect(score[benchmark.name]).toBeNull();
  expect(JSON.parse(String(submissions[name]))).toEqual([
    { questionId: 337, answer: 'California.' },
    { questionId: 338, answer: '5' },
    { questionId: 339, answer: 'Rome' },
  ]);
});
