/**
 * MMBench (English): a question counts only if it is answered right in every rotation of its options. Where an answer's letter cannot
 * be inferred, v0.2.2 asks a judge; without its reply that is wrong. HEAD reads it with a rule.
 */
import type { Answered, Benchmark, ScoreContext } from '../benchmark.js';
import { idColumn, numberColumn, optionalText, type Row, textColumn } from '../data/columns.js';
import { average, type Unit } from '../figures.js';
import { optionRequest } from '../judge/image-requests.js';
import { LETTERS } from '../option-letters.js';
import { mmbenchPrompt } from '../prompts/image.js';
import { drawIndex } from '../random.js';
import type { Verdict } from '../scored.js';
import {
  baseIndex,
  inferOption,
  inferOptionOffline,
  type OptionTexts,
} from '../scorers/mmbench.js';
import { mmbenchSheet, SHEET, type SheetRow } from '../scorers/submissions.js';

interface Gold {
  answer: string;
  question: string;
  options: OptionTexts;
  /** Further columns of the row, for the submission. */
  columns?: SheetRow;
}

const everyRotation = (unit: Unit) => 100 * Number(unit.every(({ score }) => score === 1));

export const mmBench: Benchmark<Gold> = {
  name: 'mmbench',
  family: 'F1',
  rows: [
    {
      name: 'mmbench',
      title: 'MMBench',
      card: 80.8,
      samples: 4329,
      each: everyRotation,
      value: (units) => average(units.map(everyRotation)),
    },
  ],
  data: {
    repos: ['lmms-lab/MMBench', 'lmms-lab-encoder/MMBench'],
    parts: [
      { name: 'dev', config: 'en', split: 'dev' },
      { name: 'test', config: 'en', split: 'test', isOptional: true, isHidden: true },
    ],
    mediaColumns: ['image'],
  },
  maxTokens: 1024,
  note: 'of split dev, probably the card’s; without a judge, answers that name no option are wrong',

  sample(row, { part }) {
    const index = numberColumn(row, 'index');
    return {
      id: String(index),
      unit: String(baseIndex(index)),
      category: optionalText(row, 'category'),
      prompt: mmbenchPrompt(row),
      images: [row.image],
      gold: {
        answer: optionalText(row, 'answer'),
        question: textColumn(row, 'question'),
        options: optionsOf(row),
        ...(part === 'test' && { columns: sheetColumns(row) }),
      },
    };
  },

  score(answered, context) {
    const verdict = letterOf(answered, context);
    return { score: Number(verdict.parsed === answered.gold.answer), ...verdict };
  },

  judge: {
    model: { 'v0.2.2': 'gpt-3.5-turbo-0613', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: false,
    requests: (unit) =>
      unit
        .filter(({ answer, gold }) => inferOption(answer, gold.options) === undefined)
        .map(({ id, answer, gold }) => matchRequest(id, answer, gold)),
  },

  submission: {
    parts: ['test'],
    write: (answers) => ({
      name: 'mmbench_en_test_results.xlsx',
      content: mmbenchSheet(
        answers.map(({ answer, gold }) => ({ ...gold.columns, prediction: answer })),
      ),
    }),
  },
};

/** What the answer means; of a judge whose reply cannot be read either, the reference draws a letter. */
function letterOf(
  { id, answer, gold: { options } }: Answered<Gold>,
  { rules, reply }: ScoreContext,
): Pick<Verdict, 'parsed' | 'isRandom'> {
  const inferred = inferOption(answer, options);
  if (inferred !== undefined) return { parsed: inferred };
  const said = reply(id);
  if (said === undefined)
    return { parsed: rules === 'HEAD' ? inferOptionOffline(answer, options) : '' };
  const matched = inferOption(said, options);
  return matched === undefined
    ? { parsed: LETTERS[drawIndex(id, 5)], isRandom: true }
    : { parsed: matched };
}

function matchRequest(id: string, answer: string, { question, options }: Gold) {
  const request = optionRequest({ id, question, options, answer });
  return {
    ...request,
    accepts: (reply: string) => inferOption(reply, options) !== undefined,
  };
}

function optionsOf(row: Row): OptionTexts {
  const present = [...'ABCD'].filter((letter) => row[letter] !== null && row[letter] !== undefined);
  return Object.fromEntries(present.map((letter) => [letter, idColumn(row, letter)]));
}

function sheetColumns(row: Row): SheetRow {
  return Object.fromEntries(
    SHEET.filter((name) => name !== 'prediction').map((name) => [
      name,
      row[name] === undefined ? 'nan' : cellOf(row[name]),
    ]),
  );
}

function cellOf(value: unknown): string | number | null {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}
