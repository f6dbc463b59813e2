/** MME: two questions about each picture, one to be answered with yes, one with no. A run gives both rows of the card. */
import type { Benchmark, CardRow } from '../benchmark.js';
import { idColumn, textColumn } from '../data/columns.js';
import { dataError } from '../data/data-error.js';
import type { Unit } from '../figures.js';
import { mmePrompt } from '../prompts/image.js';
import { mmePoints, picturePoints, yesNoRight, yesOrNo } from '../scorers/yes-no.js';

const COGNITION = [
  'commonsense_reasoning',
  'numerical_calculation',
  'text_translation',
  'code_reasoning',
];

const points = {
  value: (units: readonly Unit[]) => mmePoints(units.map(pictureOf)),
  stratum: ([first]: Unit) => first!.category ?? '',
  digits: 0,
} satisfies Partial<CardRow>;

export const mme: Benchmark<string> = {
  name: 'mme',
  family: 'F4',
  rows: [
    {
      name: 'mme-perception',
      title: 'MME-Perception',
      card: 1580,
      samples: 2114,
      of: ({ category }) => !COGNITION.includes(category!),
      ...points,
    },
    {
      name: 'mme-cognition',
      title: 'MME-Cognition',
      card: 418,
      samples: 260,
      of: ({ category }) => COGNITION.includes(category!),
      ...points,
    },
  ],
  data: {
    repos: ['lmms-lab/MME', 'lmms-lab-encoder/MME'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 16,

  sample(row) {
    const id = idColumn(row, 'question_id');
    const category = textColumn(row, 'category');
    return {
      id,
      unit: `${category}/${id}`,
      category,
      prompt: mmePrompt(row),
      images: [row.image],
      gold: textColumn(row, 'answer'),
    };
  },

  score: ({ answer, gold }) => ({
    score: Number(yesNoRight(answer, gold)),
    parsed: yesOrNo(answer),
  }),
};

function pictureOf(unit: Unit) {
  const [{ unit: name, category = '' }] = unit as [Unit[number]];
  if (unit.length !== 2) throw dataError(name, `MME asks two questions, not ${unit.length}`);
  return { category, points: picturePoints(unit.map(({ score }) => score)) };
}
