/** VideoDC: detailed descriptions of clips; a judge rates the detail. */
import type { Benchmark } from '../benchmark.js';
import { clipPaths } from '../clip-paths.js';
import { idColumn, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { judged } from '../judge/judged.js';
import { ratingRequest } from '../judge/video-requests.js';
import { askedPrompt } from '../prompts/video.js';
import { dictScore } from '../scorers/judge-replies.js';

export const videoDc: Benchmark<string> = {
  name: 'video-dc',
  family: 'F6a',
  rows: [
    {
      name: 'video-dc',
      title: 'VideoDC',
      card: 3.75,
      samples: 499,
      ...mean({ scale: 1 }),
      digits: 2,
    },
  ],
  data: {
    repos: ['lmms-lab/VideoDetailDescription', 'lmms-eval/VideoDetailDescription'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: [],
    files: ['Test_Videos/{video_name}.mp4'],
  },
  maxTokens: 1024,

  sample: (row, { index }) => ({
    id: String(index),
    prompt: askedPrompt(row),
    video: clipPaths(idColumn(row, 'video_name'), ['Test_Videos', 'videos', '']),
    gold: textColumn(row, 'answer'),
  }),

  score: judged((said) => ({ score: dictScore(said) })),

  judge: {
    model: { 'v0.2.2': 'gpt-3.5-turbo-0613', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: true,
    requests: (unit) =>
      unit.map(({ id, prompt, gold, answer }) =>
        ratingRequest(id, 'detail', { question: prompt, gold, answer }),
      ),
  },
};
