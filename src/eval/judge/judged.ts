/** Scores that are made of what the judge replied to a sample's request; without a reply there is none. */
import type { ScoreContext } from '../benchmark.js';
import type { Verdict } from '../scored.js';

export function judged(verdictOn: (reply: string, context: ScoreContext) => Verdict) {
  return ({ id }: { id: string }, context: ScoreContext): Verdict => {
    const reply = context.reply(id);
    if (reply === undefined) return { score: null, unscored: 'judge required' };
    return verdictOn(reply, context);
  };
}
