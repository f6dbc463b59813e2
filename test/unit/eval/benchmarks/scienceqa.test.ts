// ScienceQA as the hub has it, with and without context; the two rules differ in "B. Ohio".
import { expect, it } from 'vitest';
import { scienceQa } from '../../../../src/eval/benchmarks/scienceqa.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  ...{ image: 'image', question: 'string', choices: 'string[]', answer: 'int', hint: 'string' },
};
const rows = [
  { question: 'Which state?', choices: ['Ohio', 'Iowa'], answer: 1, hint: '' },
  { question: 'Which?', choices: ['Ohio', 'Iowa', 'Utah'], answer: 0, hint: 'Look at the map.' },
];

it('asks as documented and scores as by hand', async () => {
  const data = datasetFolder(scienceQa);
  const place = { config: 'ScienceQA-IMG', split: 'test' };
  writeSplit(data, place, { columns, rows: await pictured(rows) });
  const answers = { 0: 'b', 1: 'A. Ohio' };
  const { asked, score } = await runBenchmark(scienceQa, { data, answers });
  const please = "Answer with the option's letter from the given choices directly.";
  expect(asked.map(({ prompt }) => prompt)).toEqual([
    `<image>\nWhich state?\nA. Ohio\nB. Iowa\n${please}`,
    `<image>\nContext: Look at the map.\nWhich?\nA. Ohio\nB. Iowa\nC. Utah\n${please}`,
  ]);
  expect(asked[0]!.maxTokens).toBe(16);
  expect(score.scienceqa).toBe(50);
  const head = await runBenchmark(scienceQa, { data, answers, rules: 'HEAD' });
  expect(head.score.scienceqa).toBe(100);
});
