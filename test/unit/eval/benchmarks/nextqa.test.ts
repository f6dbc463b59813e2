// NExT-QA as the hub has it: no instruction after the options, the last letter named counts.
import { expect, it } from 'vitest';
import { nextQa } from '../../../../src/eval/benchmarks/nextqa.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';

it('asks as documented and scores as by hand', async () => {
  const data = datasetFolder(nextQa);
  const options = { a0: 'dog runs', a1: 'eats', a2: 'plays with ball', a3: 'sits', a4: 'throws' };
  const row = (video: number, answer: number) => ({
    ...{ video, question: 'why does the dog bark', answer, qid: 1, type: 'CW', ...options },
  });
  writeSplit(
    data,
    { config: 'MC', split: 'test' },
    {
      columns: {
        ...{ video: 'int', question: 'string', answer: 'int', qid: 'int', type: 'string' },
        ...{ a0: 'string', a1: 'string', a2: 'string', a3: 'string', a4: 'string' },
      },
      rows: [row(4882821564, 0), row(4882821564, 3), row(24, 2), row(24, 1)],
    },
  );
  writeClips(data, ['NExTVideo/4882821564.mp4', 'NExTVideo/24.mp4']);
  const answers = { 0: 'A', 1: '(A) or rather (D)', 2: 'I think that it plays with ball', 3: '?' };
  const { asked, score, records } = await runBenchmark(nextQa, { data, answers });
  expect(asked[0]).toEqual({
    ...{ id: '0', part: 'mc-test', images: 0, videos: ['NExTVideo/4882821564.mp4'] },
    maxTokens: 1024,
    prompt:
      '<image>\nwhy does the dog bark\nA. dog runs\nB. eats\nC. plays with ball\nD. sits\nE. throws',
  });
  const [first, second, third, drawn] = records.map(({ verdict }) => verdict);
  expect([first, second, third].map((verdict) => verdict?.parsed)).toEqual(['A', 'D', 'C']);
  expect(drawn!.isRandom).toBe(true);
  expect(score.nextqa).toBe(75 + 25 * drawn!.score!);
});
