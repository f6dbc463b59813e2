/**
 * MathVista: problems with pictures, asked in three forms, one part each. What is not already an option, a number or a list is
 * extracted by a judge; without its replies the answer stands for itself. Which form the card used is not known, probably `format`.
 */
import type { Answered, Benchmark } from '../benchmark.js';
import { idColumn, optionalText, type Row, textColumn, textsColumn } from '../data/columns.js';
import { type Figure, mean } from '../figures.js';
import { extractionRequest } from '../judge/image-requests.js';
import { MATHVISTA_FORMS, mathVistaPrompt } from '../prompts/mathvista.js';
import {
  directExtraction,
  type MathQuestion,
  mathVistaRight,
  normalizeExtraction,
} from '../scorers/mathvista.js';

interface Gold extends MathQuestion {
  answer: string;
}

const onPart = (name: string, part: string): Figure => ({
  name,
  of: (sample) => sample.part === part,
  ...mean(),
});

export const mathVista: Benchmark<Gold> = {
  name: 'mathvista',
  family: 'F5',
  rows: [{ ...onPart('mathvista', 'format'), title: 'MathVista', card: 63.2, samples: 1000 }],
  figures: ['cot', 'solution'].map((part) => onPart(part, part)),
  data: {
    repos: ['AI4Math/MathVista'],
    parts: [
      { name: 'format', split: 'testmini' },
      { name: 'cot', split: 'testmini', isOptional: true },
      { name: 'solution', split: 'testmini', isOptional: true },
    ],
    mediaColumns: ['decoded_image'],
  },
  maxTokens: 1024,
  note: 'of part format, most likely the card’s; without a judge an answer stands for its extraction',

  sample: (row, { part, rules }) => ({
    id: idColumn(row, 'pid'),
    ...taskOf(row),
    prompt: mathVistaPrompt(row, MATHVISTA_FORMS[part]!),
    images: [row.decoded_image],
    ...(rules === 'HEAD' && { maxTokens: 16_384 }),
    gold: {
      questionType: textColumn(row, 'question_type'),
      answerType: textColumn(row, 'answer_type'),
      choices: row.choices ? textsColumn(row, 'choices') : null,
      precision: Number(row.precision ?? 0),
      answer: textColumn(row, 'answer'),
    },
  }),

  score({ id, answer, gold }, { reply }) {
    const extraction = directExtraction(answer, gold) ?? reply(id)?.trim() ?? answer;
    const parsed = normalizeExtraction(extraction, gold);
    return { score: Number(mathVistaRight(parsed, gold.answer)), parsed };
  },

  judge: {
    model: { 'v0.2.2': 'gpt-3.5-turbo', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: false,
    requests: (unit) =>
      unit
        .filter(needsExtraction)
        .map(({ id, prompt, answer }) => extractionRequest({ id, question: prompt, answer })),
  },
};

function needsExtraction({ answer, gold }: Answered<Gold>): boolean {
  return directExtraction(answer, gold) === undefined;
}

function taskOf({ metadata }: Row): { category?: string } {
  const task = optionalText((metadata ?? {}) as Row, 'task');
  return task === '' ? {} : { category: task };
}
