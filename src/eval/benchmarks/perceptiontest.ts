/** PerceptionTest: memory, physics and semantics in staged clips, three options. The validation split. */
import type { Benchmark } from '../benchmark.js';
import { clipPaths } from '../clip-paths.js';
import { idColumn, numberColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { LETTERS } from '../option-letters.js';
import { perceptionPrompt } from '../prompts/video.js';
import { loneLetterIndex } from '../scorers/letters.js';

export const perceptionTest: Benchmark<number> = {
  name: 'perceptiontest',
  family: 'F1',
  rows: [{ name: 'perceptiontest', title: 'PercepTest', card: 49.7, samples: 19140, ...mean() }],
  data: {
    repos: ['lmms-lab/PerceptionTest_Val', 'lmms-eval/PerceptionTest_Val'],
    parts: [{ name: 'val-mc', config: 'mc_question_val', split: 'validation' }],
    mediaColumns: [],
    files: ['videos/{video_name}.mp4'],
  },
  maxTokens: 1024,
  note: "the paper's value for the validation split is about 57; the card's may be of another checkpoint or split",

  sample: (row, { index }) => ({
    id: String(index),
    prompt: perceptionPrompt(row),
    video: clipPaths(idColumn(row, 'video_name'), ['videos', '']),
    gold: numberColumn(row, 'answer_id'),
  }),

  score({ answer, gold }) {
    const index = loneLetterIndex(answer);
    return { score: Number(index === gold), parsed: LETTERS[index] ?? null };
  },
};
