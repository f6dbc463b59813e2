/** How far many questions are: how many of them, how fast, what failed, time left. */
import { formatSeconds } from '../../eval/report-text.js';
import { createProgress, type ProgressStream } from './progress.js';

export interface ItemProgress {
  /** Answered or failed, in this run or before. */
  done: number;
  /** Undefined where nobody knows. */
  total: number | undefined;
  /** In this run. */
  asked: number;
  errors: number;
}

export function createItemProgress(
  label: string,
  stream?: ProgressStream,
  now: () => number = () => performance.now(),
): { update(progress: ItemProgress, ...more: string[]): void; stop(): void } {
  const bar = createProgress(label, stream, now);
  const started = now();
  return {
    update({ done, total, asked, errors }, ...more) {
      const rate = asked / ((now() - started) / 1000);
      const left = asked > 0 && total !== undefined && done < total ? (total - done) / rate : null;
      const details = [
        total === undefined ? `${done}` : `${done} of ${total}`,
        ...more,
        ...(errors > 0 ? [`${errors} errors`] : []),
        ...(asked > 0 && rate < 1e6 ? [rateText(rate)] : []),
        ...(left === null ? [] : [`${formatSeconds(left)} left`]),
      ];
      bar.update(total ? done / total : Number(total === 0), details.join(', '));
    },
    stop: bar.stop,
  };
}

/** '3.2/s', '12/min' */
export function rateText(perSecond: number): string {
  return perSecond >= 1 ? `${perSecond.toFixed(1)}/s` : `${(perSecond * 60).toFixed(1)}/min`;
}
