/** One answer in the form of the benchmark's submission file. */
import { idColumn, textsColumn } from '../data/columns.js';
import { mmmuOptions } from '../prompts/image.js';
import { egoChoice, lettered } from '../scorers/mmmu-choice.js';
import { documentEntry, mmmuEntry } from '../scorers/submissions.js';
import { answerOf } from './fields.js';
import type { Case } from './vector.js';

/** By the beginning of the task's name. */
export const SUBMISSIONS: readonly (readonly [task: string, entry: (vector: Case) => unknown])[] = [
  ['docvqa', document],
  ['infovqa', document],
  ['mmmu', mmmu],
  ['egoschema', egoSchema],
];

function document(vector: Case): unknown {
  return documentEntry(idColumn(vector.reference, 'questionId'), answerOf(vector));
}

function mmmu(vector: Case): unknown {
  const { reference, rules } = vector;
  const options = reference.question_type === 'open' ? undefined : mmmuOptions(reference);
  return { [idColumn(reference, 'id')]: mmmuEntry(answerOf(vector), options, rules) };
}

function egoSchema(vector: Case): unknown {
  const options = lettered(textsColumn(vector.reference, 'option'));
  const letter = egoChoice(answerOf(vector), options) ?? '';
  return { [idColumn(vector.reference, 'video_idx')]: options.letters.indexOf(letter) };
}
