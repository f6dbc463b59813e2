/** MMMU: college questions with up to seven pictures, most of them multiple choice. */
import type { Answered, Benchmark } from '../benchmark.js';
import { idColumn, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { mmmuOptions, mmmuPrompt, picturesNamed } from '../prompts/image.js';
import { drawIndex } from '../random.js';
import type { Verdict } from '../scored.js';
import { lettered, mmmuChoice } from '../scorers/mmmu-choice.js';
import { openRight } from '../scorers/mmmu-open.js';
import type { Rules } from '../scorers/rules.js';
import { mmmuEntry } from '../scorers/submissions.js';

interface Gold {
  answer: string;
  /** Without options a question is open. */
  options?: string[];
}

export const mmmu: Benchmark<Gold> = {
  name: 'mmmu',
  family: 'F1',
  rows: [{ name: 'mmmu', title: 'MMMU', card: 48.8, samples: 900, ...mean() }],
  data: {
    repos: ['lmms-lab/MMMU', 'lmms-lab-encoder/MMMU'],
    parts: [
      { name: 'val', split: 'validation' },
      { name: 'test', split: 'test', isOptional: true, isHidden: true },
    ],
    mediaColumns: [1, 2, 3, 4, 5, 6, 7].map((k) => `image_${k}`),
  },
  maxTokens: 16,

  sample(row, { rules }) {
    const id = idColumn(row, 'id');
    const prompt = mmmuPrompt(row);
    const isChoice = row.question_type === 'multiple-choice';
    return {
      id,
      category: subjectOf(id),
      prompt,
      images: picturesNamed(prompt).map((column) => row[column]),
      ...(rules === 'HEAD' && { maxTokens: 128 }),
      gold: {
        answer: textColumn(row, 'answer'),
        ...(isChoice && { options: mmmuOptions(row) }),
      },
    };
  },

  score(answered) {
    const { answer, gold } = answered;
    if (gold.options) return choiceVerdict(answered);
    // Always the older rule: the newer one cannot match an open answer.
    return { score: Number(openRight(answer, [gold.answer], 'v0.2.2')) };
  },

  submission: {
    parts: ['test'],
    write: (answers, { rules }) => ({
      name: 'mmmu_test_for_submission.json',
      content: JSON.stringify(
        Object.fromEntries(answers.map((answered) => [answered.id, entryOf(answered, rules)])),
      ),
    }),
  },
};

function choiceVerdict({ id, answer, gold }: Answered<Gold>): Verdict {
  const options = lettered(gold.options!);
  const named = mmmuChoice(answer, options);
  const parsed = named ?? options.letters[drawIndex(id, options.letters.length)];
  return { score: Number(parsed === gold.answer), parsed, isRandom: named === undefined };
}

function entryOf(answered: Answered<Gold>, rules: Rules): unknown {
  const entry = mmmuEntry(answered.answer, answered.gold.options, rules);
  return entry ?? choiceVerdict(answered).parsed;
}

/** validation_Art_Theory_12 is about Art_Theory. */
function subjectOf(id: string): string {
  return /^[^_]*_(.+?)_\d+$/.exec(id)?.[1] ?? '';
}
