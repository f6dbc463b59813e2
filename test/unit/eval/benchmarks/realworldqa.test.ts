// RealWorldQA as the hub has it: options within the question, numbers as words.
import { expect, it } from 'vitest';
import { realWorldQa } from '../../../../src/eval/benchmarks/realworldqa.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  image: 'image',
  question: 'string',
  answer: 'string',
};
const where =
  'Where is the car?\n\nA. Left\nB. Straight ahead\nC. Right\nPlease answer directly with only the letter of the correct option and nothing else.';
const rows = [
  { question: `${where} `, answer: 'B' },
  {
    question: 'How many arrows? Please answer directly with a single word or number.',
    answer: '3',
  },
  { question: where, answer: 'C' },
];

it('asks as documented and scores as by hand, under both rules', async () => {
  const data = datasetFolder(realWorldQa);
  writeSplit(data, { split: 'test' }, { columns, rows: await pictured(rows) });
  const answers = { 0: 'Straight ahead.', 1: 'Three', 2: 'C. Right' };
  const { asked, score, records } = await runBenchmark(realWorldQa, { data, answers });
  expect(asked[0]).toMatchObject({ prompt: `<image>\n${where}`, images: 1, maxTokens: 16 });
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([1, 1, 1]);
  expect(score.realworldqa).toBe(100);
  const head = await runBenchmark(realWorldQa, { data, answers, rules: 'HEAD' });
  expect(head.records.map(({ verdict }) => verdict?.score)).toEqual([0, 0, 1]);
});
