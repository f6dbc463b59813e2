import { average } from '../figures.js';
import type { Ratings } from './judge-replies.js';
import { round } from './python-numbers.js';

/**
 * The answers' mean rating in per cent of the reference answers'; unreadable replies (-1, -1) count too.
 * @see lmms-eval tasks/llava-in-the-wild/utils.py llava_aggregation
 */
export function ratingRatio(ratings: readonly Ratings[]): number {
  const reference = round(average(ratings.map(([rating]) => rating)), 3);
  const answer = round(average(ratings.map(([, rating]) => rating)), 3);
  return round((answer / reference) * 100, 1);
}
