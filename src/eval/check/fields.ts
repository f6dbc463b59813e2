/** Reads the fields of a vector; what is missing is an error of the vector. */
import { textColumn } from '../data/columns.js';
import type { Case } from './vector.js';

export function answerOf({ prediction }: Case): string {
  return textColumn({ prediction }, 'prediction');
}

/** Predictions of `aggregate` vectors: a list of results. */
export function resultsOf({ prediction }: Case): Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(prediction)) throw new Error('prediction is not a list');
  return prediction.map((item) =>
    typeof item === 'object' && item !== null ? item : { score: item },
  );
}

/** The first field there is, as a number; true is 1. */
export function numberOf(
  record: Readonly<Record<string, unknown>>,
  ...names: readonly string[]
): number {
  const value = names.map((name) => record[name]).find((field) => field !== undefined);
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return Number(value);
  throw new Error(`there is no number ${names.join(' or ')}`);
}

/** One gold answer or several. */
export function goldsOf(reference: Readonly<Record<string, unknown>>): string[] {
  const golds = reference.answers ?? reference.answer;
  return (Array.isArray(golds) ? golds : [golds]).map(String);
}
