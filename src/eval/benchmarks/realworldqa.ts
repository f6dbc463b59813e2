/** RealWorldQA: photographs, mostly from cars; options and instruction are part of the question. */
import type { Benchmark } from '../benchmark.js';
import { textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { realWorldPrompt } from '../prompts/image.js';
import { realWorldRight } from '../scorers/letters.js';

interface Gold {
  question: string;
  answer: string;
}

export const realWorldQa: Benchmark<Gold> = {
  name: 'realworldqa',
  family: 'F1',
  rows: [{ name: 'realworldqa', title: 'RealWorldQA', card: 66.3, samples: 765, ...mean() }],
  data: {
    repos: ['lmms-lab/RealWorldQA', 'lmms-lab-encoder/RealWorldQA'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 16,

  sample: (row, { index }) => ({
    id: String(index),
    prompt: realWorldPrompt(row),
    images: [row.image],
    gold: { question: textColumn(row, 'question'), answer: textColumn(row, 'answer') },
  }),

  score: ({ answer, gold }, { rules }) => ({ score: Number(realWorldRight(answer, gold, rules)) }),
};
