// ActivityNet-QA as the hub has it: asked, put to a judge, scored from the replies.
import { expect, it } from 'vitest';
import { activityNetQa } from '../../../../src/eval/benchmarks/activitynetqa.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';

function dataset(): string {
  const data = datasetFolder(activityNetQa);
  const row = (question_id: string, question: string, answer: string) => ({
    ...{ question_id, question, answer, video_name: '1QIUV7WYKXg', type: '3' },
  });
  writeSplit(
    data,
    { split: 'test' },
    {
      columns: {
        ...{ video_name: 'string', question: 'string', question_id: 'string' },
        ...{ answer: 'string', type: 'string' },
      },
      rows: [
        row('v_1_0', 'is the athlete wearing Trousers', 'yes'),
        row('v_1_1', 'what colour is the ball', 'red'),
        row('v_1_2', 'what happened', 'he fell'),
      ],
    },
  );
  writeClips(data, ['all_test/v_1QIUV7WYKXg.mp4']);
  return data;
}

const answers = { v_1_0: 'Yes', v_1_1: 'blue', v_1_2: 'fell down' };
const replies = {
  'test/v_1_0': "{'pred': 'yes', 'score': 5}",
  'test/v_1_1': "{'pred': 'no', 'score': 1}",
  'test/v_1_2': "Here: {'pred': 'yes', 'score': 4}",
};

it('has no score without a judge', async () => {
  const { asked, score, report } = await runBenchmark(activityNetQa, { data: dataset(), answers });
  expect(asked[0]).toEqual({
    ...{ id: 'v_1_0', part: 'test', images: 0, videos: ['all_test/v_1QIUV7WYKXg.mp4'] },
    maxTokens: 64,
    prompt:
      '<image>\nIs the athlete wearing trousers? Answer the question using a single word or phrase.',
  });
  expect(score.activitynetqa ?? null).toBeNull();
  expect(report.rows[0]!.unscored).toEqual({ 'judge required': 3 });
});

it('asks the judge with all that it needs', () => {
  const gold = { question: 'is it red', answer: 'yes' };
  const sample = { id: 'q', part: 'test', unit: 'q', prompt: '', gold, answer: 'red indeed' };
  const context = { rules: 'v0.2.2' as const, reply: () => undefined };
  const [request] = activityNetQa.judge!.requests([sample], context);
  expect(request).toMatchObject({ id: 'q', maxTokens: 64 });
  for (const text of ['is it red', 'yes', 'red indeed'])
    expect(request!.messages[1]!.content).toContain(text);
});

it('scores from the replies by both rules', async () => {
  const data = dataset();
  const old = await runBenchmark(activityNetQa, { data, answers, replies });
  // The third reply is no bare dictionary: no and 0.
  expect(old.score.activitynetqa).toBeCloseTo(100 / 3);
  expect(old.figures.rating).toBe(2);
  const newer = await runBenchmark(activityNetQa, { data, answers, replies, rules: 'HEAD' });
  expect(newer.score.activitynetqa).toBeCloseTo(200 / 3);
});
