/** What a judge's reply says, as the vectors state it. */
import {
  activityVerdict,
  dictScore,
  finalScore,
  liveRating,
  looseRatings,
  mathVerseVerdict,
  strictRatings,
  vetScore,
  vibeRating,
} from '../scorers/judge-replies.js';
import { answerOf } from './fields.js';
import type { Case } from './vector.js';

/** By the beginning of the task's name. */
export const JUDGE_REPLIES: readonly (readonly [task: string, read: (vector: Case) => unknown])[] =
  [
    [
      'llava_in_the_wild',
      (vector) =>
        vector.rules === 'HEAD' ? looseRatings(answerOf(vector)) : strictRatings(answerOf(vector)),
    ],
    [
      'llava_wilder',
      (vector) => strictRatings(answerOf(vector), { trim: vector.rules === 'HEAD' }),
    ],
    ['mmvet', (vector) => vetScore(answerOf(vector)) ?? 0],
    ['vibe_eval', (vector) => vibeRating(answerOf(vector))],
    ['dc100', (vector) => finalScore(answerOf(vector))],
    ['live_bench', (vector) => liveRating(answerOf(vector))],
    ['mathverse', (vector) => mathVerseVerdict(answerOf(vector), vector.rules) ?? null],
    ['videochatgpt', (vector) => dictScore(answerOf(vector))],
    ['video_dc', (vector) => dictScore(answerOf(vector))],
    ['activitynetqa', activity],
  ];

function activity(vector: Case): unknown {
  const verdict = activityVerdict(answerOf(vector), vector.rules);
  return verdict ? [verdict.pred, verdict.score] : null;
}
