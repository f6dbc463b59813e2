// MMStar as the hub has it: the mean of the kinds, not of the samples.
import { expect, it } from 'vitest';
import { mmStar } from '../../../../src/eval/benchmarks/mmstar.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  ...{ index: 'int', question: 'string', image: 'image', answer: 'string' },
  ...{ category: 'string', l2_category: 'string' },
};
const row = (index: number, category: string, l2_category: string, answer: string) => ({
  ...{ index, category, l2_category, answer },
  question: 'Which?\nOptions: A: one, B: two ',
});
const rows = [
  row(0, 'math', 'geometry', 'A'),
  row(1, 'math', 'geometry', 'B'),
  row(2, 'math', 'statistical reasoning', 'B'),
  row(3, 'coarse perception', 'image emotion', 'B'),
];

it('asks as documented and scores as by hand, under both rules', async () => {
  const data = datasetFolder(mmStar);
  writeSplit(data, { split: 'val' }, { columns, rows: await pictured(rows) });
  const answers = { 0: 'A. one', 1: 'A', 2: 'Answer: B', 3: 'option B' };
  const { asked, score, figures } = await runBenchmark(mmStar, { data, answers });
  expect(asked[0]).toMatchObject({
    prompt:
      "<image>\nWhich?\nOptions: A: one, B: two\nAnswer with the option's letter from the given choices directly",
    ...{ images: 1, maxTokens: 1024 },
  });
  // geometry 1/2, statistics 0, emotion 1
  expect(score.mmstar).toBe(50);
  expect(figures).toMatchObject({ math: 25, 'coarse perception': 100, 'logical reasoning': null });

  const head = await runBenchmark(mmStar, { data, answers, rules: 'HEAD' });
  expect(head.score.mmstar).toBeCloseTo(250 / 3, 10);
});
