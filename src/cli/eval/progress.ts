/** How far a benchmark is: count, running score, errors, time left. */
import { formatSeconds } from '../../eval/report-text.js';
import type { RunProgress } from '../../eval/run.js';
import { createProgress, type ProgressStream } from '../shared/progress.js';

/** The score of a large benchmark takes a while to compute. */
const SCORE_MS = 1000;

export function createEvalProgress(
  label: string,
  stream?: ProgressStream,
  now: () => number = () => performance.now(),
): { update(progress: RunProgress): void; stop(): void } {
  const bar = createProgress(label, stream, now);
  const started = now();
  let scoredAt = Number.NEGATIVE_INFINITY;
  let score: number | null = null;
  return {
    update({ done, total, asked, errors, score: computeScore }) {
      const time = now();
      if (time - scoredAt > SCORE_MS) {
        score = computeScore();
        scoredAt = time;
      }
      const left = asked > 0 ? ((time - started) / 1000 / asked) * (total - done) : null;
      const details = [
        `${done} of ${total}`,
        ...(score === null ? [] : [score.toFixed(1)]),
        ...(errors > 0 ? [`${errors} errors`] : []),
        ...(left === null || done === total ? [] : [`${formatSeconds(left)} left`]),
      ];
      bar.update(total > 0 ? done / total : 1, details.join(', '));
    },
    stop: bar.stop,
  };
}
