// MathVista as the hub has it: three ways of asking, the answer's form, extraction by a judge.
import { expect, it } from 'vitest';
import { mathVista } from '../../../../src/eval/benchmarks/mathvista.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  ...{ pid: 'string', question: 'string', image: 'string', decoded_image: 'image' },
  ...{ choices: 'string[]', unit: 'string', precision: 'double', answer: 'string' },
  ...{ question_type: 'string', answer_type: 'string', query: 'string' },
};
const free = { question_type: 'free_form', choices: null, unit: null, query: 'q', image: 'a.jpg' };
const rows = [
  {
    ...{ pid: '1', question: 'Which is larger?', image: 'b.jpg', choices: ['3/11', '8/11'] },
    ...{ unit: null, precision: null, answer: '8/11', query: 'q' },
    ...{ question_type: 'multi_choice', answer_type: 'text' },
  },
  {
    ...free,
    pid: '2',
    question: 'How many?',
    answer_type: 'integer',
    precision: null,
    answer: '3',
  },
  {
    ...{ ...free, unit: 'cm' },
    ...{ pid: '3', question: 'How long?', answer_type: 'float', precision: 1, answer: '2.5' },
  },
];

async function dataset(): Promise<string> {
  const data = datasetFolder(mathVista);
  const withPictures = await pictured(rows, 'decoded_image');
  writeSplit(data, { split: 'testmini' }, { columns, rows: withPictures });
  return data;
}

it('asks in the form of the card and scores as by hand', async () => {
  const answers = { 1: 'B', 2: 'three', 3: '2.46' };
  const { asked, score, records } = await runBenchmark(mathVista, {
    ...{ data: await dataset(), answers },
  });
  expect(asked.map(({ prompt }) => prompt)).toEqual([
    "<image>\nWhich is larger?\nA. 3/11\nB. 8/11\nAnswer with the option's letter from the given choices directly.",
    '<image>\nHow many?\nAnswer the question using a single integer number.',
    '<image>\nHow long? (Unit: cm)\nAnswer the question using a single floating-point number with one decimal place.',
  ]);
  expect(asked[0]).toMatchObject({ part: 'format', images: 1, maxTokens: 1024 });
  expect(records.map(({ verdict }) => verdict?.parsed)).toEqual(['8/11', null, '2.5']);
  expect(score.mathvista).toBeCloseTo(200 / 3, 10);
});

it('takes what the judge extracted', async () => {
  const { score } = await runBenchmark(mathVista, {
    data: await dataset(),
    answers: { 1: 'I say (A)', 2: 'three', 3: 'half of five' },
    replies: { 'format/1': 'B\n', 'format/2': '3', 'format/3': '2.5' },
  });
  expect(score.mathvista).toBe(100);
});

it('asks in the other forms when wanted', async () => {
  const { asked, score, figures } = await runBenchmark(mathVista, {
    data: await dataset(),
    answers: { 1: '8/11', 2: '3', 3: '2.5' },
    subset: ['solution'],
    rules: 'HEAD',
  });
  expect(asked[2]).toMatchObject({
    prompt:
      '<image>\nQuestion: How long? (Unit: cm)\nHint: Please answer the question requiring a floating-point number with one decimal place and provide the final value, e.g., 1.2, 1.3, 1.4, at the end.\nSolution:',
    maxTokens: 16_384,
  });
  expect(score.mathvista ?? null).toBeNull();
  expect(figures.solution).toBe(100);
});

it('breaks down by task', () => {
  const row = { ...rows[0], metadata: { task: 'geometry problem solving' } };
  const sample = mathVista.sample(row, { part: 'format', rules: 'v0.2.2', index: 0 });
  expect(sample!.category).toBe('geometry problem solving');
});
