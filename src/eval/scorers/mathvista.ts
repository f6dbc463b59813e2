/**
 * MathVista: an extracted answer in the form of the gold. Where the answer is not already one, the reference lets a
 * language model extract it; offline the answer stands for itself.
 * @see lmms-eval tasks/mathvista/mathvista_evals.py
 */
import { editDistance } from '../../edit-distance.js';
import { floatText, parseFloatLiteral, parseInteger, round } from './python-numbers.js';
import { strip } from './python-text.js';

export interface MathQuestion {
  questionType: string;
  answerType: string;
  choices: readonly string[] | null;
  /** Places after the point. */
  precision: number;
}

/** What an answer says without help; undefined where a language model has to extract it. */
export function directExtraction(answer: string, question: MathQuestion): string | undefined {
  if (answer === '') return '';
  if (question.questionType === 'multi_choice' && question.choices?.includes(answer)) return answer;
  if (question.answerType === 'integer') return parseInteger(answer)?.toString();
  if (question.answerType !== 'float') return undefined;
  const value = parseFloatLiteral(answer);
  return value === undefined ? undefined : floatText(value);
}

/** An extraction as the gold is written; null where it has not the form that the question asks for. */
export function normalizeExtraction(extraction: string, question: MathQuestion): string | null {
  if (question.questionType === 'multi_choice') return choiceText(extraction, question.choices);
  if (question.answerType === 'integer') return integerText(extraction);
  if (question.answerType !== 'float') return extraction;
  const value = parseFloatLiteral(extraction);
  return value === undefined ? null : floatText(round(value, question.precision));
}

export function mathVistaRight(normalized: string | null, gold: string): boolean {
  // Python compares with the text of None, and so does "None".
  return strip(normalized ?? 'None') === strip(gold);
}

/** The choice of the letter in brackets, of the letter alone, or the one nearest by spelling. */
function choiceText(extraction: string, choices: readonly string[] | null): string | null {
  if (!choices || choices.length === 0) return null;
  const trimmed = strip(extraction);
  const named = /\(([a-zA-Z])\)/.exec(trimmed)?.[1]?.toUpperCase() ?? trimmed;
  const index = /^[A-Z]$/.test(named) ? named.charCodeAt(0) - 'A'.charCodeAt(0) : choices.length;
  return choices[index] ?? nearest(named, choices);
}

function nearest(text: string, choices: readonly string[]): string {
  const distances = choices.map((choice) => editDistance(text, choice));
  return choices[distances.indexOf(Math.min(...distances))]!;
}

function integerText(extraction: string): string | null {
  const value = parseFloatLiteral(extraction);
  return value === undefined || !Number.isFinite(value) ? null : String(BigInt(Math.trunc(value)));
}
