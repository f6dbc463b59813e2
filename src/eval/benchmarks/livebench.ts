/**
 * Multimodal LiveBench, the card's MMLBench: questions about pages of the month's news; a judge who sees them rates 0 to 10.
 * Which month the card means is not known.
 */
import type { Benchmark } from '../benchmark.js';
import { idColumn, optionalText, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { liveRequest } from '../judge/image-requests.js';
import { barePrompt } from '../prompts/image.js';
import { liveRating } from '../scorers/judge-replies.js';

interface Gold {
  question: string;
  answer: string;
  criteria: string;
}

export const liveBench: Benchmark<Gold> = {
  name: 'livebench',
  family: 'F6a',
  rows: [
    { name: 'livebench', title: 'MMLBench', card: 77.1, samples: 130, ...mean({ scale: 10 }) },
  ],
  data: {
    repos: ['lmms-lab/LiveBench', 'lmms-eval/LiveBench'],
    parts: [
      { name: '2024-06', config: '2024-06', split: 'test' },
      { name: '2024-07', config: '2024-07', split: 'test', isOptional: true },
    ],
    mediaColumns: ['images'],
  },
  maxTokens: 1024,

  sample: (row) => ({
    id: idColumn(row, 'id'),
    category: textColumn(row, 'subtask'),
    prompt: barePrompt(row),
    images: Array.isArray(row.images) ? row.images : [row.images],
    gold: {
      question: textColumn(row, 'question'),
      answer: textColumn(row, 'answer'),
      criteria: optionalText(row, 'criteria'),
    },
  }),

  score({ id, answer }, { reply }) {
    if (answer === '') return { score: 0, parsed: 'no answer' };
    const said = reply(id);
    if (said === undefined) return { score: null, unscored: 'judge required' };
    const rating = liveRating(said);
    // The reference leaves these out too.
    return rating < 0
      ? { score: null, unscored: 'unreadable reply of the judge' }
      : { score: rating };
  },

  judge: {
    model: { 'v0.2.2': 'gpt-4o', HEAD: 'gpt-4o' },
    isRequired: true,
    requests: (unit) =>
      unit
        .filter(({ answer }) => answer !== '')
        .map(({ id, answer, gold: { answer: gold, ...asked } }) =>
          liveRequest({ id, gold, answer, ...asked }),
        ),
  },
};
