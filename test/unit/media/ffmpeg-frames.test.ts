/** The two parts of frame extraction that are arithmetic: where to enter, and pictures out of a byte stream. */
import { describe, expect, it } from 'vitest';
import { readPpm } from '../../../src/media/ffmpeg-ppm.js';
import { planStretches } from '../../../src/media/ffmpeg-seek.js';
import { collect } from '../../support/collect.js';

const ticks = (count: number, step: number) =>
  Float64Array.from({ length: count }, (_, i) => i * step);

describe('Where to enter', () => {
  /** 1000 frames of 512 ticks, a keyframe every 250. */
  const clip = {
    frames: ticks(1000, 512),
    keyframes: ticks(4, 250 * 512),
    secondsPerTick: 1 / 15360,
  };

  it('is the keyframe before a frame, where that spares much', () => {
    expect(planStretches([0, 600, 760], clip)).toEqual([
      { enterAt: null, times: [0] },
      { enterAt: 16.666667, times: [600 * 512] },
      { enterAt: 25, times: [760 * 512] },
    ]);
  });

  it('is where decoding stands, where that is near', () => {
    expect(planStretches([10, 200, 300, 340, 999], clip)).toEqual([
      { enterAt: null, times: [10, 200, 300, 340].map((i) => i * 512) },
      { enterAt: 25, times: [999 * 512] },
    ]);
  });

  it('rounds up to a microsecond, for a keyframe must not be later', () => {
    const [stretch] = planStretches([999], { ...clip, secondsPerTick: 1 / 90000 });
    expect(stretch!.enterAt! * 90000).toBeGreaterThanOrEqual(750 * 512);
    expect(stretch!.enterAt! * 90000).toBeLessThan(750 * 512 + 0.1);
  });

  it('is an earlier keyframe for a frame shown before the one it comes after', () => {
    // Open group: the keyframe of frame 750 is decoded before frames 748 and 749, which need the group before.
    expect(planStretches([749], clip)[0]!.enterAt).toBe(16.666667);
    expect(planStretches([750], clip)[0]!.enterAt).toBe(25);
  });

  it('is the start when the first time stamps are negative', () => {
    const early = {
      ...clip,
      frames: clip.frames.map((t) => t - 5000),
      keyframes: Float64Array.of(-5000),
    };
    expect(planStretches([700], early)).toEqual([{ enterAt: null, times: [700 * 512 - 5000] }]);
  });
});

describe('Pictures out of a stream', () => {
  const picture = (width: number, height: number, from: number) => {
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (from + i * 7) % 256);
    return {
      width,
      height,
      data,
      ppm: Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]),
    };
  };
  // Pixels that look like white space and headers.
  const pictures = [picture(4, 3, 10), picture(5, 1, 32), picture(1, 1, 80), picture(4, 3, 9)];
  const stream = Buffer.concat(pictures.map(({ ppm }) => ppm));
  const expected = pictures.map(({ width, height, data }) => ({ width, height, data }));

  async function* cut(bytes: Buffer, size: number) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }

  it.each([1, 2, 3, 7, 31, 1000])('come whole out of pieces of %d bytes', async (size) => {
    expect(await collect(readPpm(cut(stream, size), 100))).toEqual(expected);
  });

  it('are left out when the stream ends within one', async () => {
    expect(await collect(readPpm(cut(stream.subarray(0, -1), 16), 100))).toEqual(
      expected.slice(0, 3),
    );
  });

  it('are none in another format', async () => {
    await expect(collect(readPpm(cut(Buffer.alloc(100, 65), 10), 100))).rejects.toMatchObject({
      code: 'ERR_VIDEO_DECODE',
    });
  });
});
