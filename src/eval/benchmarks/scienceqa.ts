/** ScienceQA, the questions with a picture: school science with two to five options. */
import type { Benchmark } from '../benchmark.js';
import { numberColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { LETTERS } from '../option-letters.js';
import { sciencePrompt } from '../prompts/image.js';
import { scienceRight } from '../scorers/letters.js';

export const scienceQa: Benchmark<string> = {
  name: 'scienceqa',
  family: 'F1',
  rows: [{ name: 'scienceqa', title: 'Science-QA', card: 96.0, samples: 2017, ...mean() }],
  data: {
    repos: ['lmms-lab/ScienceQA', 'lmms-lab-encoder/ScienceQA'],
    parts: [{ name: 'img', config: 'ScienceQA-IMG', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 16,
  note: 'v0.2.2 takes "B. Ohio" for wrong by mistake; HEAD does not',

  sample: (row, { index }) => ({
    id: String(index),
    prompt: sciencePrompt(row),
    images: [row.image],
    gold: LETTERS[numberColumn(row, 'answer')]!,
  }),

  score: ({ answer, gold }, { rules }) => ({ score: Number(scienceRight(answer, gold, rules)) }),
};
