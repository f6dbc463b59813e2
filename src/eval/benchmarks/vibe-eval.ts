/** Vibe-Eval: open questions, some meant to be very hard; a judge rates 1 to 5 without seeing the picture. */
import type { Benchmark } from '../benchmark.js';
import { idColumn, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { vibeRequest } from '../judge/image-requests.js';
import { judged } from '../judge/judged.js';
import { vibePrompt } from '../prompts/image.js';
import { vibeRating } from '../scorers/judge-replies.js';

interface Gold {
  question: string;
  answer: string;
}

/** 1 to 5 as 0 to 100; an unreadable reply is a 0 and so -25, as in the reference. */
const percent = () => mean({ scale: 1, value: ({ score }) => 25 * (score - 1) });

export const vibeEval: Benchmark<Gold> = {
  name: 'vibe-eval',
  family: 'F6a',
  rows: [{ name: 'vibe-eval', title: 'Vibe-Eval', card: 51.7, samples: 269, ...percent() }],
  figures: ['normal', 'hard'].map((name) => ({
    name,
    of: ({ category = '' }) => category.includes(name),
    ...percent(),
  })),
  data: {
    repos: ['RekaAI/VibeEval'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 1024,
  note: 'the reference judge draws its replies, at temperature 0.4',

  sample: (row) => ({
    id: idColumn(row, 'example_id'),
    category: textColumn(row, 'category'),
    prompt: vibePrompt(row),
    images: [row.image],
    gold: { question: textColumn(row, 'prompt'), answer: textColumn(row, 'reference') },
  }),

  score: judged((said) => ({ score: vibeRating(said) })),

  judge: {
    model: { 'v0.2.2': 'reka-core', HEAD: 'reka-core' },
    isRequired: true,
    requests: (unit) =>
      unit.map(({ id, answer, gold: { question, answer: gold } }) =>
        vibeRequest({ id, question, gold, answer }),
      ),
  },
};
