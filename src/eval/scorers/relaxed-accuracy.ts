import { parseFloatLiteral } from './python-numbers.js';

const TOLERANCE = 0.05;

/**
 * ChartQA: a number may be off by 5 % of a gold number that is not zero; any other answer must equal the gold but for case.
 * @see lmms-eval tasks/chartqa/utils.py relaxed_correctness
 */
export function relaxedMatch(prediction: string, answer: string): boolean {
  const predicted = parseAmount(prediction);
  const gold = parseAmount(answer);
  // A gold number that is not one (nan) still compares as a number, and never equals.
  if (predicted !== undefined && gold !== undefined && gold !== 0)
    return Math.abs(predicted - gold) / Math.abs(gold) <= TOLERANCE;
  return prediction.toLowerCase() === answer.toLowerCase();
}

/** `12%` is 0.12. */
function parseAmount(text: string): number | undefined {
  if (!text.endsWith('%')) return parseFloatLiteral(text);
  const value = parseFloatLiteral(text.replace(/%+$/, ''));
  return value === undefined ? undefined : value / 100;
}
