/** MM-Vet: open questions that need several abilities at once; a judge gives 0 to 1. */
import type { Benchmark } from '../benchmark.js';
import { idColumn, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { vetRequest } from '../judge/image-requests.js';
import { judged } from '../judge/judged.js';
import { vetPrompt } from '../prompts/image.js';
import { vetScore } from '../scorers/judge-replies.js';

interface Gold {
  question: string;
  answer: string;
}

/** Recognition, reading, knowledge, writing, space, arithmetic. A question's category lists those it needs. */
const ABILITIES = ['rec', 'ocr', 'know', 'gen', 'spat', 'math'];

export const mmVet: Benchmark<Gold> = {
  name: 'mmvet',
  family: 'F6a',
  rows: [{ name: 'mmvet', title: 'MMVet', card: 57.5, samples: 218, ...mean() }],
  figures: ABILITIES.map((ability) => ({
    name: ability,
    of: ({ category = '' }) => category.includes(ability),
    ...mean(),
  })),
  data: {
    repos: ['lmms-lab/MMVet', 'lmms-lab-encoder/MMVet'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 1024,

  sample: (row) => ({
    id: idColumn(row, 'question_id'),
    category: textColumn(row, 'capability'),
    prompt: vetPrompt(row),
    images: [row.image],
    gold: { question: textColumn(row, 'question'), answer: textColumn(row, 'answer') },
  }),

  score: judged((said) => ({ score: vetScore(said) ?? 0 })),

  judge: {
    model: { 'v0.2.2': 'gpt-4-0613', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: true,
    requests: (unit) =>
      unit.map(({ id, answer, gold: { question, answer: gold } }) =>
        vetRequest({ id, question, gold, answer }),
      ),
  },
};
