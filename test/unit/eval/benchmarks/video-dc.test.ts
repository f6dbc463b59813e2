// VideoDetailDescription as the hub has it: described, put to a judge, rated.
import { expect, it } from 'vitest';
import { videoDc } from '../../../../src/eval/benchmarks/video-dc.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';

it('asks as documented and takes the mean of the ratings', async () => {
  const data = datasetFolder(videoDc);
  const row = { question: 'Describe the video in detail.', answer: 'A man rows.' };
  writeSplit(
    data,
    { split: 'test' },
    {
      columns: { video_name: 'string', question: 'string', answer: 'string' },
      rows: ['v_a', 'v_b'].map((video_name) => ({ ...row, video_name })),
    },
  );
  writeClips(data, ['Test_Videos/v_a.mp4', 'Test_Videos/v_b.mkv']);
  const answers = { 0: 'A man in a boat.', 1: 'A boat.' };
  const replies = { 'test/0': "{'score': 4.8}", 'test/1': "{''score': 4}" };
  const { asked, score } = await runBenchmark(videoDc, { data, answers, replies });
  expect(asked).toEqual([
    {
      ...{ id: '0', part: 'test', images: 0, videos: ['Test_Videos/v_a.mp4'], maxTokens: 1024 },
      prompt: '<image>\nDescribe the video in detail.',
    },
    expect.objectContaining({ videos: ['Test_Videos/v_b.mkv'] }),
  ]);
  // Ratings are cut to whole numbers; one that cannot be read is 0.
  expect(score['video-dc']).toBe(2);
  const without = await runBenchmark(videoDc, { data, answers });
  expect(without.score['video-dc'] ?? null).toBeNull();
});
