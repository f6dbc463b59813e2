/** What LLaVA-W and LLaVA-Wilder share: a judge rates the reference's answer and the model's, and the figure is their ratio. */

import type { Unit } from './figures.js';
import type { Scored, Verdict } from './scored.js';
import type { Ratings } from './scorers/judge-replies.js';
import { ratingRatio } from './scorers/rating-ratio.js';

/** Per cent of the reference's mean rating. */
export const ratio = {
  value: (units: readonly Unit[]) => ratingRatio(units.flat().map(pairOf)),
};

export function pairVerdict([reference, answer]: Ratings): Verdict {
  return { score: answer, values: { reference } };
}

function pairOf({ score, values }: Scored): Ratings {
  return [values!.reference!, score];
}
