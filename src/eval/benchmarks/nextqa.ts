/** NExT-QA: causes and sequences in everyday clips, five options. */
import type { Benchmark } from '../benchmark.js';
import { clipPaths } from '../clip-paths.js';
import { idColumn, numberColumn, optionalText } from '../data/columns.js';
import { mean } from '../figures.js';
import { nextQaOptions, nextQaPrompt } from '../prompts/video.js';
import { drawIndex } from '../random.js';
import { lettered, mmmuChoice } from '../scorers/mmmu-choice.js';

interface Gold {
  options: string[];
  right: number;
}

export const nextQa: Benchmark<Gold> = {
  name: 'nextqa',
  family: 'F1',
  rows: [{ name: 'nextqa', title: 'NextQA', card: 79.4, samples: 8564, ...mean() }],
  data: {
    repos: ['lmms-lab/NExTQA', 'lmms-eval/NExTQA'],
    parts: [{ name: 'mc-test', config: 'MC', split: 'test' }],
    mediaColumns: [],
    files: ['NExTVideo/{video}.mp4'],
  },
  maxTokens: 1024,

  sample: (row, { index }) => ({
    id: String(index),
    category: optionalText(row, 'type'),
    prompt: nextQaPrompt(row),
    video: clipPaths(idColumn(row, 'video'), ['NExTVideo', 'videos', '']),
    gold: { options: nextQaOptions(row), right: numberColumn(row, 'answer') },
  }),

  score({ id, answer, gold: { options, right } }) {
    const choices = lettered(options);
    const letter = mmmuChoice(answer, choices);
    const index =
      letter === undefined ? drawIndex(id, options.length) : choices.letters.indexOf(letter);
    return {
      score: Number(index === right),
      parsed: choices.letters[index],
      isRandom: letter === undefined,
    };
  },
};
