/**
 * The demo checkpoint's own 600 questions: colours, shapes, counts, digits, comparisons, motion. No row of the model card; it
 * checks the whole way from file to figure where no dataset is at hand. Beside accuracy it tells how many answers equal
 * the reference implementation's (test/golden/README.md).
 */
import type { Benchmark } from '../benchmark.js';
import { idColumn, numberColumn, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';

interface Gold {
  answer: string;
  /** What the reference implementation answers, greedily. */
  reference: string;
  /** The smallest distance from its best logit to the second along that answer. */
  margin: number;
}

const asReference = mean({ value: ({ values }) => values!.asReference! });

export const demoVqa: Benchmark<Gold> = {
  name: 'demo-vqa',
  family: 'demo',
  rows: [{ name: 'demo-vqa', title: 'demo-vqa', card: null, samples: 600, ...mean() }],
  figures: [
    { name: 'reference accuracy', ...mean({ value: ({ values }) => values!.referenceRight! }) },
    { name: 'equal to reference', ...asReference },
  ],
  data: {
    repos: ['llava-onevision/demo-vqa'],
    parts: [{ name: 'all', split: 'questions', tables: ['vqa.jsonl'] }],
    mediaColumns: ['images', 'video'],
    note: 'it is part of the source tree, in demo/',
  },
  maxTokens: 64,
  multiImage: 'pad', // as the demo was trained, and the reference's answers were made

  sample: (row) => ({
    id: idColumn(row, 'id'),
    category: textColumn(row, 'task'),
    prompt: textColumn(row, 'question'),
    images: [row.images],
    frames: row.video,
    gold: {
      answer: textColumn(row, 'answer'),
      reference: textColumn(row, 'reference'),
      margin: numberColumn(row, 'margin'),
    },
  }),

  score: ({ answer, gold }) => ({
    score: Number(answer === gold.answer),
    values: {
      asReference: Number(answer === gold.reference),
      referenceRight: Number(gold.reference === gold.answer),
    },
  }),
};
