/** How far a benchmark is, with its running score. */
import type { RunProgress } from '../../eval/run.js';
import { createItemProgress } from '../shared/item-progress.js';
import type { ProgressStream } from '../shared/progress.js';

/** The score of a large benchmark takes a while to compute. */
const SCORE_MS = 1000;

export function createEvalProgress(
  label: string,
  stream?: ProgressStream,
  now: () => number = () => performance.now(),
): { update(progress: RunProgress): void; stop(): void } {
  const bar = createItemProgress(label, stream, now);
  let scoredAt = Number.NEGATIVE_INFINITY;
  let score: number | null = null;
  return {
    update({ score: computeScore, ...progress }) {
      const time = now();
      if (time - scoredAt > SCORE_MS) {
        score = computeScore();
        scoredAt = time;
      }
      bar.update(progress, ...(score === null ? [] : [score.toFixed(1)]));
    },
    stop: bar.stop,
  };
}
