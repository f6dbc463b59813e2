/** One answer's entry in the files that the benchmarks' own servers score. */
import { spreadsheet } from '../spreadsheet.js';
import { lettered, mmmuChoice } from './mmmu-choice.js';
import { openClaims } from './mmmu-open.js';
import { floatText } from './python-numbers.js';
import type { Rules } from './rules.js';

/** DocVQA and InfoVQA: the answer as it came. */
export function documentEntry(questionId: string | number, answer: string) {
  return { questionId: Number(questionId), answer };
}

/** MMMU: v0.2.2 hands in the answer as it came, HEAD what was read from it; undefined where it draws a letter. */
export function mmmuEntry(
  answer: string,
  options: readonly string[] | undefined,
  rules: Rules,
): string | undefined {
  if (rules === 'v0.2.2') return answer;
  if (options) return mmmuChoice(answer, lettered(options));
  const [claim = ''] = openClaims(answer);
  return typeof claim === 'number' ? floatText(claim) : claim;
}

export type SheetRow = Readonly<Record<string, string | number | null>>;

export const SHEET = [
  'index',
  'question',
  'answer',
  'prediction',
  'hint',
  'source',
  'split',
  'category',
  'L2-category',
  ...'ABCDE',
];

/** MMBench: a spreadsheet of the rows with their answers as `prediction`. */
export function mmbenchSheet(rows: readonly SheetRow[]): Uint8Array {
  return spreadsheet([SHEET, ...rows.map((row) => SHEET.map((name) => row[name] ?? null))]);
}
