/**
 * Which frames of a clip the model sees: `wanted` numbers out of `total`, spread evenly.
 * Pure; both rules reproduce numpy's double arithmetic, not the exact fractions (154 frames, 64 wanted: 50 at place 21, exactly 51).
 */
import type { FrameSampling } from '../dialect.js';
import { invalidArgument } from '../errors.js';

/**
 * Frame numbers 0 … total - 1, ascending. A clip with fewer frames than wanted repeats some, as the references do.
 * 'linspace' includes the last frame; 'arange' keeps one stride before the end. numpy's arange gives one number more
 * than wanted where total / wanted rounds badly (3998 / 100; never for a power of two): we keep to what was asked.
 * @see lmms-eval llava_onevision.py load_video (linspace), transformers image_utils.py (arange)
 */
export function sampleFrames(total: number, wanted: number, rule: FrameSampling): number[] {
  checkCount('total', total);
  checkCount('wanted', wanted);
  if (rule === 'arange') return spread(wanted, total / wanted);
  if (wanted === 1) return [0];
  const indices = spread(wanted, (total - 1) / (wanted - 1));
  indices[wanted - 1] = total - 1; // numpy sets the end itself, rounding may miss it
  return indices;
}

function spread(wanted: number, step: number): number[] {
  return Array.from({ length: wanted }, (_, index) => Math.trunc(index * step));
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw invalidArgument(name, 'a positive integer', value);
}
