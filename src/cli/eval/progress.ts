/** How far a benchmark is: count, running score, errors, time left. */
import { formatSeconds } from '../../eval/report-text.js';
import type { RunProgress } from '../../eval/run.js';
import { createProgress } from '../shared/progress.js';

/** The score of a large benchmark takes a while to compute. */
const SCORE_MS = 1000;

export function createEvalProgress(
  label: string,
  stream: Parameters<typeof createProgress>[1] = process.stderr,
): { update(progress: RunProgress): void; stop(): void } {
  const bar = createProgress(label, stream);
  const started = performance.now();
  let scoredAt = Number.NEGATIVE_INFINITY;
  let score: number | null = null;
  return {
    update({ done, total, asked, errors, score: computeScore }) {
      if (!stream?.isTTY) return;
      const now = performance.now();
      if (now - scoredAt > SCORE_MS) {
        score = computeScore();
        scoredAt = now;
      }
      const left = asked > 0 ? ((now - started) / 1000 / asked) * (total - done) : null;
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
