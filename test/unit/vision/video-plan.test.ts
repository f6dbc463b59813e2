// Rows and frames of a clip from its number of frames alone.
import { describe, expect, it } from 'vitest';
import { planVideo } from '../../../src/vision/video-plan.js';

const siglip = { side: 27, poolStride: 2, newlineMode: 'one_token' as const };

describe('planVideo', () => {
  it('gives 196 rows a frame and one newline', () => {
    for (const [frames, rows] of [
      [1, 197],
      [16, 3137],
      [32, 6273],
    ]) {
      const plan = planVideo(1000, siglip, { dialect: 'llava-next', frames: frames! });
      expect(plan).toMatchObject({ rows, nTiles: frames, pooledSide: 14, grid: null });
    }
  });

  it('picks frames as each dialect does', () => {
    const frames = (dialect: 'llava-next' | 'transformers') =>
      planVideo(100, siglip, { dialect, frames: 4 }).frames;
    expect(frames('llava-next')).toEqual([0, 33, 66, 99]);
    expect(frames('transformers')).toEqual([0, 25, 50, 75]);
  });

  it('counts each frame of a short clip as one tile', () => {
    const plan = planVideo(2, siglip, { dialect: 'llava-next', frames: 5 });
    expect(plan.frames).toEqual([0, 0, 0, 0, 1]);
    expect(plan).toMatchObject({ nTiles: 2, rows: 5 * 196 + 1 });
  });

  it.each([
    ['no_token', 2 * 196],
    ['frame', 2 * 197],
    ['grid', 2 * 14 * 15],
  ] as const)('%s has other newlines', (newlineMode, rows) => {
    const plan = planVideo(9, { ...siglip, newlineMode }, { dialect: 'llava-next', frames: 2 });
    expect(plan.rows).toBe(rows);
  });

  it('leaves a map alone with stride 1', () => {
    const plan = planVideo(9, { ...siglip, poolStride: 1 }, { dialect: 'llava-next', frames: 1 });
    expect(plan).toMatchObject({ pooledSide: 27, rows: 730 });
  });
});
