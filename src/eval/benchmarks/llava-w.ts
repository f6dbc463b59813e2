/** LLaVA-Bench (in the wild): conversation, description and reasoning, judged against answers of GPT-4 from a caption alone. */
import type { Benchmark } from '../benchmark.js';
import { idColumn, textColumn } from '../data/columns.js';
import { wildRequest } from '../judge/image-requests.js';
import { judged } from '../judge/judged.js';
import { barePrompt } from '../prompts/image.js';
import { pairVerdict, ratio } from '../rating-pairs.js';
import { looseRatings, strictRatings } from '../scorers/judge-replies.js';
import { strip } from '../scorers/python-text.js';

interface Gold {
  question: string;
  answer: string;
  caption: string;
}

export const llavaW: Benchmark<Gold> = {
  name: 'llava-w',
  family: 'F6b',
  rows: [{ name: 'llava-w', title: 'LLaVA-W', card: 90.7, samples: 60, ...ratio }],
  data: {
    repos: ['lmms-lab/llava-bench-in-the-wild', 'lmms-lab-encoder/llava-bench-in-the-wild'],
    parts: [{ name: 'train', split: 'train' }],
    mediaColumns: ['image'],
  },
  maxTokens: 4096,

  sample: (row) => ({
    id: idColumn(row, 'question_id'),
    category: textColumn(row, 'category'),
    prompt: barePrompt(row),
    images: [row.image],
    gold: {
      question: textColumn(row, 'question'),
      answer: textColumn(row, 'gpt_answer'),
      caption: captionOf(row.caption),
    },
  }),

  score: judged((said, { rules }) =>
    pairVerdict(rules === 'HEAD' ? looseRatings(said) : strictRatings(strip(said))),
  ),

  judge: {
    model: { 'v0.2.2': 'gpt-4-0613', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: true,
    requests: (unit) =>
      unit.map(({ id, answer, gold: { answer: gold, ...asked } }) =>
        wildRequest({ id, gold, answer, ...asked }),
      ),
  },
};

/** One text or several lines. */
function captionOf(caption: unknown): string {
  return Array.isArray(caption) ? caption.join('\n') : String(caption ?? '');
}
