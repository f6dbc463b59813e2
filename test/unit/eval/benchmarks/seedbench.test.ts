// SEED-Bench as the hub has it: lists of pictures, one for a picture and eight for a clip; two rows of the card.
import { expect, it } from 'vitest';
import { seedBench } from '../../../../src/eval/benchmarks/seedbench.js';
import { datasetFolder, picture, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';

const columns: Record<string, ColumnType> = {
  ...{ question_id: 'string', data_type: 'string', question: 'string', image: 'image[]' },
  ...{ choice_a: 'string', choice_b: 'string', choice_c: 'string', choice_d: 'string' },
  answer: 'string',
};

it('asks as documented and scores as by hand', async () => {
  const data = datasetFolder(seedBench);
  const frames = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(picture));
  const row = (question_id: string, data_type: string, answer: string) => ({
    ...{ question_id, data_type, answer, question: 'What?' },
    ...{ choice_a: 'a cow', choice_b: 'a cat', choice_c: 'a dog', choice_d: 'an ox' },
    image: data_type === 'video' ? frames : frames.slice(0, 1),
  });
  const rows = [row('1', 'image', 'A'), row('2', 'image', 'B'), row('v3', 'video', 'D')];
  writeSplit(data, { split: 'test' }, { columns, rows });
  const answers = { 1: 'a cow', 2: 'A cat', v3: 'D. an ox' };
  const { asked, score, figures } = await runBenchmark(seedBench, { data, answers });
  const text =
    "What?\nA. a cow\nB. a cat\nC. a dog\nD. an ox\nAnswer with the option's letter from the given choices directly.";
  expect(asked[0]).toMatchObject({ prompt: `<image>\n${text}`, images: 1, maxTokens: 1024 });
  expect(asked[2]).toMatchObject({
    prompt: `${Array(8).fill('<image>').join(' ')}\n${text}`,
    images: 8,
  });
  expect(score).toEqual({ 'seedbench-image': 50, 'seedbench-video': 100 });
  expect(figures.all).toBeCloseTo(200 / 3, 10);
});
