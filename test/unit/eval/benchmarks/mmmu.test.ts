// MMMU as the hub has it: options written as Python lists, several pictures, open questions, the submission.
import { expect, it } from 'vitest';
import { mmmu } from '../../../../src/eval/benchmarks/mmmu.js';
import { datasetFolder, picture, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';

const columns: Record<string, ColumnType> = {
  ...{ id: 'string', question: 'string', options: 'string', question_type: 'string' },
  ...{ answer: 'string', image_1: 'image', image_2: 'image', image_3: 'image' },
};
const choice = { question_type: 'multiple-choice' };

async function rows(split: string) {
  const [image_1, image_2] = [await picture(1), await picture(2)];
  return [
    {
      ...{ ...choice, id: `${split}_Art_Theory_1`, image_1, image_2: null, image_3: null },
      ...{ question: 'Who painted <image 1>?', options: "['it\\'s $6', \"$7\"]", answer: 'B' },
    },
    {
      ...{ ...choice, id: `${split}_Math_12`, image_1, image_2, image_3: null },
      ...{ question: 'See <image 2>, <image 1>.', options: "['<image 2>', 'x']", answer: 'A' },
    },
    {
      ...{ id: `${split}_Math_13`, question_type: 'open', image_1, image_2: null, image_3: null },
      ...{ question: 'Find x in <image 1>.', options: '[]', answer: '12.5' },
    },
  ];
}

async function dataset(split: string, prefix: string): Promise<string> {
  const data = datasetFolder(mmmu);
  writeSplit(data, { split }, { columns, rows: await rows(prefix) });
  return data;
}

it('asks as documented and scores as by hand', async () => {
  const { asked, score, records } = await runBenchmark(mmmu, {
    data: await dataset('validation', 'validation'),
    answers: {
      validation_Art_Theory_1: 'The answer is (B).',
      validation_Math_12: 'no idea',
      validation_Math_13: 'So x = $12.50',
    },
  });
  expect(asked.map(({ prompt, images }) => [prompt, images])).toEqual([
    [
      "<image>\nWho painted <image 1>?\nA. it's $6\nB. $7\n\nAnswer with the option's letter from the given choices directly.",
      1,
    ],
    [
      "<image> <image>\nSee <image 2>, <image 1>.\nA. <image 2>\nB. x\n\nAnswer with the option's letter from the given choices directly.",
      2,
    ],
    ['<image>\nFind x in <image 1>.\n\nAnswer the question using a single word or phrase.', 1],
  ]);
  expect(asked[0]!.maxTokens).toBe(16);
  const drawn = records[1]!.verdict!;
  expect(drawn).toMatchObject({ isRandom: true, parsed: expect.stringMatching(/^[AB]$/) });
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([1, drawn.score, 1]);
  expect(score.mmmu).toBeCloseTo((100 * (2 + drawn.score!)) / 3, 10);
});

it('hands in answers as they came, and under HEAD what was read', async () => {
  const data = await dataset('test', 'test');
  const answers = { test_Art_Theory_1: '(B)', test_Math_12: 'A.', test_Math_13: 'It is 5' };
  const submission = async (rules: 'v0.2.2' | 'HEAD') => {
    const ran = await runBenchmark(mmmu, { data, answers, rules, subset: ['test'] });
    expect(ran.asked[0]!.maxTokens).toBe(rules === 'HEAD' ? 128 : 16);
    return JSON.parse(String(ran.submissions['mmmu_test_for_submission.json']));
  };
  expect(await submission('v0.2.2')).toEqual(answers);
  expect(await submission('HEAD')).toMatchObject({ test_Art_Theory_1: 'B', test_Math_12: 'A' });
});
