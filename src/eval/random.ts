/** Draws that depend on the sample alone, so that every run of it draws the same. */
import { createHash } from 'node:crypto';

/** 0 to n - 1. For rules that guess when an answer cannot be read; the verdict says `isRandom`. */
export function drawIndex(id: string, n: number): number {
  return createHash('sha256').update(id).digest().readUInt32LE(0) % n;
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
