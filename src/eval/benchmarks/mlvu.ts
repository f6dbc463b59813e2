/** MLVU: long clips, seven kinds of question with options. Their mean, M-Avg, is the usual reading of the card's number. */
import type { Benchmark } from '../benchmark.js';
import { inFolder } from '../clip-paths.js';
import { textColumn } from '../data/columns.js';
import { macroMean, mean } from '../figures.js';
import { mlvuPrompt } from '../prompts/video.js';
import { mlvuLetter } from '../scorers/letters.js';

const FOLDERS = ['', 'videos', 'video'];

export const mlvu: Benchmark<string> = {
  name: 'mlvu',
  family: 'F1',
  rows: [{ name: 'mlvu', title: 'MLVU', card: 64.7, samples: 2174, ...macroMean() }],
  figures: [{ name: 'all samples', ...mean() }],
  data: {
    repos: ['sy1998/MLVU_dev', 'sy1998/temp', 'lmms-eval/MLVU_dev'],
    parts: [{ name: 'dev', split: 'test' }],
    mediaColumns: [],
    files: ['{video_name}'],
  },
  maxTokens: 16,

  sample: (row, { rules, index }) => ({
    id: String(index),
    category: textColumn(row, 'task_type'),
    prompt: mlvuPrompt(row, rules),
    video: FOLDERS.map((folder) => inFolder(textColumn(row, 'video_name'), folder)),
    gold: textColumn(row, 'answer'),
  }),

  score({ answer, gold }, { rules }) {
    const parsed = mlvuLetter(answer, rules);
    return { score: Number(parsed === gold), parsed };
  },
};
