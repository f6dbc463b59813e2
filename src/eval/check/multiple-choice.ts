/** Multiple choice vectors: for some tasks the expected value is the letter read, for others whether it is right. */
import { textColumn, textsColumn } from '../data/columns.js';
import { LETTERS } from '../option-letters.js';
import { mmmuOptions } from '../prompts/image.js';
import { nextQaOptions } from '../prompts/video.js';
import {
  leadingLetter,
  loneLetterIndex,
  looselyEqual,
  mlvuLetter,
  mvBenchRight,
  realWorldRight,
  scienceRight,
  seedRight,
  starRight,
  videoMmeLetter,
} from '../scorers/letters.js';
import { mcqExtract } from '../scorers/mcq-extract.js';
import {
  circularRight,
  inferOption,
  inferOptionOffline,
  type OptionTexts,
} from '../scorers/mmbench.js';
import { egoChoice, lettered, mmmuChoice } from '../scorers/mmmu-choice.js';
import { answerOf, numberOf } from './fields.js';
import type { Case } from './vector.js';

type Score = (vector: Case) => unknown;

const goldIndex = ({ reference }: Case) => numberOf(reference, 'answer', 'answer_id');
const goldLetter = (vector: Case) => LETTERS[goldIndex(vector)]!;
const goldText = ({ reference }: Case) => textColumn(reference, 'answer');

/** By the beginning of the task's name. */
export const MULTIPLE_CHOICE: readonly (readonly [task: string, score: Score])[] = [
  ['ai2d', (vector) => looselyEqual(leadingLetter(answerOf(vector)), goldLetter(vector))],
  ['realworldqa', realWorld],
  ['scienceqa', (vector) => scienceRight(answerOf(vector), goldLetter(vector), vector.rules)],
  ['mmstar', (vector) => starRight(answerOf(vector), goldText(vector), vector.rules)],
  ['seedbench', (vector) => seedRight(answerOf(vector), goldText(vector))],
  ['perceptiontest', (vector) => loneLetterIndex(answerOf(vector)) === goldIndex(vector)],
  ['videomme', (vector) => videoMmeLetter(answerOf(vector), vector.rules)],
  ['mlvu', (vector) => mlvuLetter(answerOf(vector), vector.rules)],
  ['mvbench', mvBench],
  ['mmmu', (vector) => mmmuChoice(answerOf(vector), lettered(mmmuOptions(vector.reference)))],
  ['nextqa', nextQa],
  ['egoschema', egoSchema],
  ['mmbench_en_dev_static', (vector) => inferOptionOffline(answerOf(vector), optionTexts(vector))],
  ['mmbench', (vector) => inferOption(answerOf(vector), optionTexts(vector)) ?? false],
  ['(shared', shared],
];

function realWorld(vector: Case): boolean {
  const question = String(vector.reference.question ?? '');
  return realWorldRight(answerOf(vector), { question, answer: goldText(vector) }, vector.rules);
}

function mvBench(vector: Case): boolean {
  const candidates = textsColumn(vector.reference, 'candidates');
  return mvBenchRight(answerOf(vector), LETTERS[candidates.indexOf(goldText(vector))]!);
}

function nextQa(vector: Case): boolean {
  const letter = mmmuChoice(answerOf(vector), lettered(nextQaOptions(vector.reference)));
  return letter === goldLetter(vector);
}

function egoSchema(vector: Case): number {
  const options = lettered(textsColumn(vector.reference, 'option'));
  return options.letters.indexOf(egoChoice(answerOf(vector), options) ?? '');
}

function shared(vector: Case): string {
  const { choices } = vector.reference;
  return mcqExtract(
    answerOf(vector),
    choices === undefined ? undefined : textsColumn(vector.reference, 'choices'),
  );
}

function optionTexts({ reference }: Case): OptionTexts {
  return Object.fromEntries(
    [...'ABCD']
      .filter((letter) => reference[letter] !== undefined && reference[letter] !== null)
      .map((letter) => [letter, String(reference[letter])]),
  );
}

/** Each copy's options are the question's, if the vector has any: letters need none. */
export function circular(vector: Case): boolean {
  const answers = textsColumn(vector.reference, 'answers');
  const predictions = textsColumn({ prediction: vector.prediction }, 'prediction');
  const options = optionTexts(vector);
  return circularRight(
    predictions.map((answer, i) => ({ answer, gold: answers[i]!, options })),
    vector.rules === 'HEAD' ? inferOptionOffline : inferOption,
  );
}
