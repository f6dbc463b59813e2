// PerceptionTest as the hub has it: the first capital letter that stands alone.
import { expect, it } from 'vitest';
import { perceptionTest } from '../../../../src/eval/benchmarks/perceptiontest.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';

it('asks as documented and scores as by hand', async () => {
  const data = datasetFolder(perceptionTest);
  const row = (video_name: string, answer_id: number) => ({
    ...{ video_name, question: 'Where is the cup?', options: ['left', 'right', 'top'], answer_id },
  });
  writeSplit(
    data,
    { config: 'mc_question_val', split: 'validation' },
    {
      columns: {
        ...{ video_name: 'string', question: 'string', options: 'string[]', answer_id: 'int' },
      },
      rows: [row('video_1', 1), row('video_1', 0), row('video_2', 2), row('video_2', 0)],
    },
  );
  writeClips(data, ['videos/video_1.mp4', 'videos/video_2.mp4']);
  const answers = { 0: 'B.', 1: 'left', 2: 'It is C', 3: 'b' };
  const { asked, score, records } = await runBenchmark(perceptionTest, { data, answers });
  expect(asked[0]).toEqual({
    ...{ id: '0', part: 'val-mc', images: 0, videos: ['videos/video_1.mp4'], maxTokens: 1024 },
    prompt:
      "<image>\nWhere is the cup?\nA. left\nB. right\nC. top\nAnswer with the option's letter from the given choices directly.",
  });
  expect(records.map(({ verdict }) => verdict?.parsed)).toEqual(['B', null, 'C', null]);
  expect(score.perceptiontest).toBe(50);
});
