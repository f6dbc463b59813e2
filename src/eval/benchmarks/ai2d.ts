/** AI2D: questions about diagrams of school books, four options. The variant whose regions are masked. */
import type { Benchmark } from '../benchmark.js';
import { numberColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { LETTERS } from '../option-letters.js';
import { ai2dPrompt } from '../prompts/image.js';
import { leadingLetter, looselyEqual } from '../scorers/letters.js';

export const ai2d: Benchmark<string> = {
  name: 'ai2d',
  family: 'F1',
  rows: [{ name: 'ai2d', title: 'AI2D', card: 81.4, samples: 3088, ...mean() }],
  data: {
    repos: ['lmms-lab/ai2d', 'lmms-lab-encoder/ai2d'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 16,

  sample: (row, { index }) => ({
    id: String(index),
    prompt: ai2dPrompt(row),
    images: [row.image],
    gold: LETTERS[numberColumn(row, 'answer')]!,
  }),

  score({ answer, gold }) {
    const parsed = leadingLetter(answer);
    return { score: Number(looselyEqual(parsed, gold)), parsed };
  },
};
