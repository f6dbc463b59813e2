// MLVU: the prompt ends within a bracket, the score is the mean of the kinds of question.
import { expect, it } from 'vitest';
import { mlvu } from '../../../../src/eval/benchmarks/mlvu.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';

function dataset(): string {
  const data = datasetFolder(mlvu);
  const row = (video_name: string, task_type: string, answer: string) => ({
    ...{ video_name, task_type, answer, question: 'What is it?\n(A) x\n(B) y' },
  });
  writeSplit(
    data,
    { split: 'test' },
    {
      columns: { video_name: 'string', question: 'string', answer: 'string', task_type: 'string' },
      rows: [
        row('plot_1.mp4', 'plotQA', 'A'),
        row('plot_2.mp4', 'plotQA', 'B'),
        row('plot_3.mp4', 'plotQA', 'B'),
        row('needle_1.mp4', 'needle', 'A'),
      ],
    },
  );
  writeClips(data, ['plot_1.mp4', 'plot_2.mp4', 'video/plot_3.mp4', 'videos/needle_1.mp4']);
  return data;
}

const answers = ['A) x', 'B', 'The answer is (A)', 'b)'];
const byOrder = ({ id }: { id: string }) => answers[Number(id)]!;

it('asks as documented and scores as by hand', async () => {
  const { asked, score, figures } = await runBenchmark(mlvu, { data: dataset(), answers: byOrder });
  expect(asked[0]).toEqual({
    ...{ id: '0', part: 'dev', images: 0, videos: ['plot_1.mp4'], maxTokens: 16 },
    prompt: '<image>\n\nWhat is it?\n(A) x\n(B) y\nOnly give the best option.\n\nBest option: (',
  });
  expect(asked.map(({ videos }) => videos[0])).toEqual([
    ...['plot_1.mp4', 'plot_2.mp4', 'video/plot_3.mp4', 'videos/needle_1.mp4'],
  ]);
  expect(score.mlvu).toBeCloseTo((200 / 3 + 0) / 2);
  expect(figures['all samples']).toBe(50);
});

it('asks by the newer rules', async () => {
  const { asked } = await runBenchmark(mlvu, {
    ...{ data: dataset(), answers: byOrder, rules: 'HEAD' },
  });
  expect(asked[0]!.prompt).toBe(
    '<image>\nWhat is it?\n(A) x\n(B) y\nOnly give the best option.\nBest option: (',
  );
});
