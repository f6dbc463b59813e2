/** MMStar: multiple choice questions that cannot be answered without the picture; the mean of 18 kinds. */
import type { Benchmark } from '../benchmark.js';
import { idColumn, textColumn } from '../data/columns.js';
import { macroMean } from '../figures.js';
import { starPrompt } from '../prompts/image.js';
import { starRight } from '../scorers/letters.js';

const FIELDS = [
  'coarse perception',
  'fine-grained perception',
  'instance reasoning',
  'logical reasoning',
  'science & technology',
  'math',
];

export const mmStar: Benchmark<string> = {
  name: 'mmstar',
  family: 'F1',
  rows: [{ name: 'mmstar', title: 'MMStar', card: 61.7, samples: 1500, ...macroMean() }],
  figures: FIELDS.map((field) => ({
    name: field,
    of: ({ category = '' }) => category.startsWith(`${field}: `),
    ...macroMean(),
  })),
  data: {
    repos: ['Lin-Chen/MMStar'],
    parts: [{ name: 'val', split: 'val' }],
    mediaColumns: ['image'],
  },
  maxTokens: 1024,

  sample: (row) => ({
    id: idColumn(row, 'index'),
    category: `${textColumn(row, 'category')}: ${textColumn(row, 'l2_category')}`,
    prompt: starPrompt(row),
    images: [row.image],
    gold: textColumn(row, 'answer'),
  }),

  score: ({ answer, gold }, { rules }) => ({ score: Number(starRight(answer, gold, rules)) }),
};
