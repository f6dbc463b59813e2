// AI2D as the hub has it: prompt, what the model sees, score by hand.
import { expect, it } from 'vitest';
import { ai2d } from '../../../../src/eval/benchmarks/ai2d.js';
import { datasetFolder, picture, runBenchmark, writeSplit } from '../../../support/eval.js';

const rows = [
  { question: 'What eats grass?', options: ['wolf', 'cow', 'eagle', 'owl'], answer: '1' },
  { question: 'What is at the top?', options: ['a', 'b', 'c', 'd'], answer: '3' },
  { question: 'Which is a producer?', options: ['tree', 'hare', 'fox', 'hawk'], answer: '0' },
  { question: 'Which letter is the sun?', options: ['A', 'B', 'C', 'D'], answer: '2' },
];

it('asks as documented and scores as by hand', async () => {
  const data = datasetFolder(ai2d);
  const withPictures = await Promise.all(
    rows.map(async (row, i) => ({ ...row, image: await picture(i) })),
  );
  await writeSplit(
    data,
    { split: 'test' },
    {
      columns: { image: 'image', question: 'string', options: 'string[]', answer: 'string' },
      rows: withPictures,
    },
  );
  const answers = { 0: 'B. cow', 1: '(d)', 2: 'The answer is A.', 3: 'c' };
  const { asked, score, records } = await runBenchmark(ai2d, { data, answers });
  expect(asked[0]).toEqual({
    id: '0',
    part: 'test',
    prompt:
      "<image>\nWhat eats grass?\nA. wolf\nB. cow\nC. eagle\nD. owl\nAnswer with the option's letter from the given choices directly.",
    images: 1,
    videos: [],
    maxTokens: 16,
  });
  expect(score.ai2d).toBe(75);
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([1, 1, 0, 1]);
});
