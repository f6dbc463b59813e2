/** LLaVA-Bench Wilder (small): what people asked in the open, judged against reference answers with the picture in view. */
import type { Benchmark } from '../benchmark.js';
import { textColumn } from '../data/columns.js';
import { wilderRequest } from '../judge/image-requests.js';
import { judged } from '../judge/judged.js';
import { wilderPrompt } from '../prompts/image.js';
import { pairVerdict, ratio } from '../rating-pairs.js';
import { strictRatings } from '../scorers/judge-replies.js';

interface Gold {
  question: string;
  answer: string;
}

export const llavaWilder: Benchmark<Gold> = {
  name: 'llava-wilder',
  family: 'F6b',
  rows: [{ name: 'llava-wilder', title: 'LLaVA-Wilder', card: 67.8, samples: 120, ...ratio }],
  data: {
    repos: ['lmms-lab/LLaVA-Bench-Wilder', 'lmms-lab-encoder/LLaVA-Bench-Wilder'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 4096,

  sample: (row, { index }) => ({
    id: String(index),
    prompt: wilderPrompt(row),
    images: [row.image],
    gold: { question: textColumn(row, 'Question'), answer: textColumn(row, 'Answer') },
  }),

  score: judged((said, { rules }) => pairVerdict(strictRatings(said, { trim: rules === 'HEAD' }))),

  judge: {
    model: { 'v0.2.2': 'gpt-4-vision-preview', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: true,
    requests: (unit) =>
      unit.map(({ id, answer, gold: { question, answer: gold } }) =>
        wilderRequest({ id, question, gold, answer }),
      ),
  },
};
