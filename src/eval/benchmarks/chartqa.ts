/** ChartQA: short answers about charts; numbers may be off by 5 %. Half of the questions were written by people. */
import type { Benchmark } from '../benchmark.js';
import { textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { chartPrompt } from '../prompts/image.js';
import { relaxedMatch } from '../scorers/relaxed-accuracy.js';

export const chartQa: Benchmark<string> = {
  name: 'chartqa',
  family: 'F3',
  rows: [{ name: 'chartqa', title: 'ChartQA', card: 80.0, samples: 2500, ...mean() }],
  data: {
    repos: ['lmms-lab/ChartQA', 'lmms-lab-encoder/ChartQA'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 16,

  sample: (row, { index }) => ({
    id: String(index),
    category: textColumn(row, 'type') === 'human_test' ? 'human' : 'augmented',
    prompt: chartPrompt(row),
    images: [row.image],
    gold: textColumn(row, 'answer'),
  }),

  score: ({ answer, gold }) => ({ score: Number(relaxedMatch(answer, gold)) }),
};
