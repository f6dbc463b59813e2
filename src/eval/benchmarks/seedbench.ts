/**
 * SEED-Bench: four options, about pictures and about clips. A clip comes as eight frames, which the reference shows as eight pictures.
 * A run gives both rows of the card.
 */
import type { Benchmark, CardRow } from '../benchmark.js';
import { idColumn, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { seedPrompt } from '../prompts/image.js';
import { firstCharacter, seedRight } from '../scorers/letters.js';

const row = (kind: string, title: string, card: number, samples: number): CardRow => ({
  name: `seedbench-${kind}`,
  title,
  card,
  samples,
  of: ({ category }) => category === kind,
  ...mean(),
});

export const seedBench: Benchmark<string> = {
  name: 'seedbench',
  family: 'F1',
  rows: [
    row('image', 'Seed-Bench', 75.4, 14_233),
    row('video', 'SeedBench (video)', 56.9, 3757), //
  ],
  figures: [{ name: 'all', ...mean() }],
  data: {
    repos: ['lmms-lab/SEED-Bench', 'lmms-lab-encoder/SEED-Bench'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 1024,

  sample: (entry) => ({
    id: idColumn(entry, 'question_id'),
    category: textColumn(entry, 'data_type'),
    prompt: seedPrompt(entry),
    images: Array.isArray(entry.image) ? entry.image : [entry.image],
    gold: textColumn(entry, 'answer'),
  }),

  score: ({ answer, gold }) => ({
    score: Number(seedRight(answer, gold)),
    parsed: firstCharacter(answer),
  }),
};
