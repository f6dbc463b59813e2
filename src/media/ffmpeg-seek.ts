/**
 * Where to enter a clip for the frames asked: pure arithmetic on time stamps.
 * A stretch is one run of ffmpeg, from a keyframe to the last frame taken on the way.
 */
import type { FrameTimes } from './ffmpeg-scan.js';

export interface Stretch {
  /** Seconds at which to enter, rounded up to what ffmpeg's clock holds; null: at the start. */
  enterAt: number | null;
  /** Frames to take, in ticks, ascending. */
  times: number[];
}

/** Jumping pays when it saves decoding this many frames: starting a process costs about 0.1 s. */
const WORTH_A_JUMP = 100;

/** @param indices frame numbers, ascending, each once */
export function planStretches(indices: readonly number[], all: FrameTimes): Stretch[] {
  const { frames, keyframes, secondsPerTick } = all;
  const stretches: Stretch[] = [];
  let decodedTo = 0;
  for (const index of indices) {
    const time = frames[index]!;
    // A frame shown before a keyframe may need what came before that one: only keyframes up to its time will do.
    const keyframe = keyframes[countUpTo(keyframes, time) - 1];
    const key = keyframe === undefined ? 0 : countUpTo(frames, keyframe) - 1;
    const current = stretches.at(-1);
    if (key - decodedTo > WORTH_A_JUMP) {
      const enterAt = Math.ceil(keyframe! * secondsPerTick * 1e6) / 1e6;
      stretches.push({ enterAt, times: [time] });
    } else if (current) current.times.push(time);
    else stretches.push({ enterAt: null, times: [time] });
    decodedTo = index;
  }
  return stretches;
}

/** How many of the ascending values are at most `limit`. */
function countUpTo(values: Float64Array, limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
