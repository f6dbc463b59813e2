// Video-MME as the hub has it: prompts of both rules, clips by their id, score by hand.
import { expect, it } from 'vitest';
import { videoMme } from '../../../../src/eval/benchmarks/videomme.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';

const TASK =
  'Select the best answer to the following multiple-choice question based on the video and the subtitles. Respond with only the letter (A, B, C, or D) of the correct option.';
const WISH = "Answer with the option's letter from the given choices directly.";
const OPTIONS = ["A. A dog's tail.", 'B. A cat.', 'C. A cow.', 'D. A hen.'];

function dataset(): string {
  const data = datasetFolder(videoMme);
  const place = { split: 'test' };
  const row = (id: string, videoID: string, duration: string, answer: string) => ({
    ...{ question_id: id, videoID, duration, question: 'What runs?', options: OPTIONS, answer },
  });
  writeSplit(data, place, {
    columns: {
      ...{ videoID: 'string', question_id: 'string', duration: 'string', question: 'string' },
      ...{ options: 'string[]', answer: 'string' },
    },
    rows: [
      row('001-1', 'fFjv93ACGo8', 'short', 'B'),
      row('001-2', 'fFjv93ACGo8', 'short', 'C'),
      row('601-1', 'N1cdUjctpG8', 'long', 'A'),
      row('601-2', 'N1cdUjctpG8', 'long', 'D'),
    ],
  });
  writeClips(data, ['data/fFjv93ACGo8.mp4', 'data/N1cdUjctpG8.mkv']);
  return data;
}

const answers = {
  '001-1': 'The best answer is B.',
  '001-2': 'Answer: C', // v0.2.2 reads the A of "Answer"
  '601-1': 'A',
  '601-2': 'C',
};

it('asks as documented and scores as by hand', async () => {
  const data = dataset();
  const { asked, score, records } = await runBenchmark(videoMme, { data, answers });
  expect(asked[0]).toEqual({
    ...{ id: '001-1', part: 'test', images: 0, videos: ['data/fFjv93ACGo8.mp4'], maxTokens: 16 },
    prompt: `<image>\n${TASK}\nWhat runs?\n["A. A dog's tail.", 'B. A cat.', 'C. A cow.', 'D. A hen.']\n\n${WISH}`,
  });
  expect(asked[2]!.videos).toEqual(['data/N1cdUjctpG8.mkv']);
  expect(score.videomme).toBe(50);
  expect(records.map(({ verdict }) => verdict?.parsed)).toEqual(['B', 'A', 'A', 'C']);
});

it('follows the newer rules too', async () => {
  const data = dataset();
  const { asked, score } = await runBenchmark(videoMme, { data, answers, rules: 'HEAD' });
  expect(asked[0]!.prompt).toBe(`<image>\n${TASK}\nWhat runs?\n${OPTIONS.join('\n')}\n\n${WISH}`);
  expect(score.videomme).toBe(75);
});
