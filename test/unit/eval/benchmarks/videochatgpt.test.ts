// Video-ChatGPT as the hub has it: three configs, five ratings, pairs of questions judged together.
import { expect, it } from 'vitest';
import { videoChatGpt } from '../../../../src/eval/benchmarks/videochatgpt.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';

function dataset(): string {
  const data = datasetFolder(videoChatGpt);
  const single = { video_name: 'string', question: 'string', answer: 'string' } as const;
  const row = (video_name: string, question: string) => ({ video_name, question, answer: 'gold' });
  const split = 'test';
  const generic = [row('v_1', 'What?'), row('v_2', 'Who?')];
  writeSplit(data, { config: 'Generic', split }, { columns: single, rows: generic });
  writeSplit(
    data,
    { config: 'Temporal', split },
    { columns: single, rows: [row('v_1', 'What first?')] },
  );
  const pair = (question_1: string, question_2: string) => ({
    ...{ video_name: 'v_1', question_1, question_2, answer: 'gold' },
  });
  writeSplit(
    data,
    { config: 'Consistency', split },
    {
      columns: { ...single, question_1: 'string', question_2: 'string' },
      rows: [pair('Why?', 'None'), pair('None', 'What for?')],
    },
  );
  writeClips(data, ['Test_Videos/v_1.mp4', 'Test_Videos/v_2.mkv']);
  return data;
}

const answers = ({ id, part }: { id: string; part: string }) => `${part} ${id}`;

const replies = {
  'generic/0#correctness': "{'score': 5}",
  'generic/0#detail': "{'score': 3}",
  'generic/0#context': "{'score': 4}",
  'generic/1#correctness': "{'score': 2}",
  'generic/1#detail': "{'score': 2}",
  'generic/1#context': 'cannot say',
  'temporal/0#temporal': "{'score': 3}",
  'consistency/v_1#consistency': "{'score': 1}",
};

it('asks as documented and averages the five ratings', async () => {
  const { asked, score, figures } = await runBenchmark(videoChatGpt, {
    ...{ data: dataset(), answers, replies },
  });
  expect(asked.map(({ part, prompt, videos }) => [part, prompt, ...videos])).toEqual([
    ['generic', '<image>\nWhat?', 'Test_Videos/v_1.mp4'],
    ['generic', '<image>\nWho?', 'Test_Videos/v_2.mkv'],
    ['temporal', '<image>\nWhat first?', 'Test_Videos/v_1.mp4'],
    ['consistency', '<image>\nWhy?', 'Test_Videos/v_1.mp4'],
    ['consistency', '<image>\nWhat for?', 'Test_Videos/v_1.mp4'],
  ]);
  expect(figures).toMatchObject({
    ...{ correctness: 3.5, detail: 2.5, context: 2, temporal: 3, consistency: 1 },
  });
  expect(score.videochatgpt).toBeCloseTo((3.5 + 2.5 + 2 + 3 + 1) / 5);
});

it('has no score without a judge', async () => {
  const { score } = await runBenchmark(videoChatGpt, { data: dataset(), answers });
  expect(score.videochatgpt ?? null).toBeNull();
});

it('shows the judge both answers of a pair', () => {
  const sample = (id: string, prompt: string, answer: string) => ({
    ...{ id, part: 'consistency', unit: 'v_1', prompt, gold: 'gold', answer },
  });
  const unit = [sample('0', 'Why?', 'one'), sample('1', 'What for?', 'two')];
  const context = { rules: 'v0.2.2' as const, reply: () => undefined };
  const requests = videoChatGpt.judge!.requests(unit, context);
  expect(requests.map(({ id }) => id)).toEqual(['v_1#consistency']);
  for (const text of ['Why?', 'What for?', 'gold', 'one', 'two'])
    expect(requests[0]!.messages[1]!.content).toContain(text);
});
