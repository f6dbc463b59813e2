/** ActivityNet-QA: free answers about clips of activities; a judge says whether they mean the right thing. */
import type { Benchmark } from '../benchmark.js';
import { clipPaths } from '../clip-paths.js';
import { idColumn, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { judged } from '../judge/judged.js';
import { matchRequest } from '../judge/video-requests.js';
import { activityPrompt } from '../prompts/video.js';
import { activityVerdict } from '../scorers/judge-replies.js';

interface Gold {
  question: string;
  answer: string;
}

export const activityNetQa: Benchmark<Gold> = {
  name: 'activitynetqa',
  family: 'F6c',
  rows: [{ name: 'activitynetqa', title: 'ActNet-QA', card: 56.6, samples: 8000, ...mean() }],
  figures: [
    { name: 'rating', ...mean({ scale: 1, value: ({ values }) => values!.rating! }), digits: 2 },
  ],
  data: {
    repos: ['lmms-lab/ActivityNetQA', 'lmms-eval/ActivityNetQA'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: [],
    files: ['all_test/v_{video_name}.mp4'],
  },
  maxTokens: 64,

  sample: (row) => ({
    id: idColumn(row, 'question_id'),
    category: idColumn(row, 'type'),
    prompt: activityPrompt(row),
    video: clipPaths(`v_${idColumn(row, 'video_name')}`, ['all_test', 'videos', '']),
    gold: { question: textColumn(row, 'question'), answer: textColumn(row, 'answer') },
  }),

  score: judged((said, { rules }) => {
    const verdict = activityVerdict(said, rules);
    if (verdict === undefined) return { score: null, unscored: 'unreadable reply of the judge' };
    const { pred, score: rating } = verdict;
    if (rules === 'HEAD' && pred !== 'yes' && pred !== 'no')
      return { score: null, parsed: pred, unscored: 'the judge says neither yes nor no' };
    return { score: Number(pred === 'yes'), parsed: pred, values: { rating } };
  }),

  judge: {
    model: { 'v0.2.2': 'gpt-3.5-turbo-0613', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: true,
    requests: (unit) =>
      unit.map(({ id, answer, gold: { question, answer: gold } }) =>
        matchRequest(id, { question, gold, answer }),
      ),
  },
};
