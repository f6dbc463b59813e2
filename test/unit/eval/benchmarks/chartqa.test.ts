// ChartQA as the hub has it: prompt, tolerance, the two halves.
import { expect, it } from 'vitest';
import { chartQa } from '../../../../src/eval/benchmarks/chartqa.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const rows = [
  { question: 'How many bars?', answer: '14', type: 'human_test' },
  { question: 'Share in 2015?', answer: '20%', type: 'augmented_test' },
  { question: 'Which line rises?', answer: 'Red', type: 'human_test' },
  { question: 'How many grew?', answer: '0', type: 'human_test' },
];

it('asks as documented and scores as by hand', async () => {
  const data = datasetFolder(chartQa);
  const columns: Record<string, ColumnType> = {
    ...{ image: 'image', question: 'string', answer: 'string', type: 'string' },
  };
  writeSplit(data, { split: 'test' }, { columns, rows: await pictured(rows) });
  const answers = { 0: '13.3', 1: '20', 2: 'red', 3: '0.0' };
  const { asked, score, records, report } = await runBenchmark(chartQa, { data, answers });
  expect(asked[0]).toMatchObject({
    prompt: '<image>\nHow many bars?\nAnswer the question with a single word.',
    images: 1,
    maxTokens: 16,
  });
  // 13.3 is exactly 5 % off; 20 is not 0.2; a gold of zero is compared as text
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([1, 0, 1, 0]);
  expect(score.chartqa).toBe(50);
  expect(JSON.stringify(report)).toContain('augmented');
});
