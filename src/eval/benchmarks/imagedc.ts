/** ImageDC: detailed descriptions, which a judge who sees the picture rates 0 to 100. Most plausibly the card's row; it does not say. */
import type { Benchmark } from '../benchmark.js';
import { idColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { descriptionRequest } from '../judge/image-requests.js';
import { judged } from '../judge/judged.js';
import { barePrompt } from '../prompts/image.js';
import { finalScore } from '../scorers/judge-replies.js';

export const imageDc: Benchmark<null> = {
  name: 'imagedc',
  family: 'F6a',
  rows: [{ name: 'imagedc', title: 'ImageDC', card: 88.9, samples: 100, ...mean({ scale: 1 }) }],
  data: {
    repos: ['lmms-lab/DC100_EN', 'lmms-lab-encoder/DC100_EN'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
    note: 'probably gated: ask for access first',
  },
  maxTokens: 1024,

  sample: (row) => ({
    id: idColumn(row, 'question_id'),
    prompt: barePrompt(row),
    images: [row.image],
    gold: null,
  }),

  score: judged((said) => ({ score: finalScore(said) })),

  judge: {
    model: { 'v0.2.2': 'gpt-4-vision-preview', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: true,
    requests: (unit) => unit.map(({ id, answer }) => descriptionRequest({ id, answer })),
  },
};
