/**
 * MME: yes or no, asked twice about each picture.
 * @see lmms-eval tasks/mme/utils.py parse_pred_ans, mme_aggregate_results
 */
import { characters, strip } from './python-text.js';

/** 'other' is always wrong. */
export function yesOrNo(answer: string): 'yes' | 'no' | 'other' {
  const text = strip(answer.toLowerCase()).replaceAll('.', '');
  const start = characters(text).slice(0, 4).join('');
  if (text === 'y' || start.includes('yes')) return 'yes';
  return text === 'n' || start.includes('no') ? 'no' : 'other';
}

export function yesNoRight(answer: string, gold: string): boolean {
  return yesOrNo(answer) === strip(gold.toLowerCase()).replaceAll('.', '');
}

/** Points of one picture, 0, 50 or 200: per cent right, and 100 more if both are. @param scores 0 or 1, two of them */
export function picturePoints(scores: readonly number[]): number {
  const right = scores.reduce((sum, score) => sum + score, 0);
  return (right / scores.length) * 100 + (right === 2 ? 100 : 0);
}

/** The sum over categories of the mean points of their pictures. */
export function mmePoints(pictures: Iterable<{ category: string; points: number }>): number {
  const categories = new Map<string, { sum: number; count: number }>();
  for (const { category, points } of pictures) {
    const { sum, count } = categories.get(category) ?? { sum: 0, count: 0 };
    categories.set(category, { sum: sum + points, count: count + 1 });
  }
  return Array.from(categories.values(), ({ sum, count }) => sum / count).reduce(
    (total, mean) => total + mean,
    0,
  );
}
