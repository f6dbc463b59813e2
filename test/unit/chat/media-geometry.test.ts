// What those who draw are told: boxes on the canvas, and times of frames.
import { expect, it } from 'vitest';
import { clipGeometry, imageGeometry } from '../../../src/chat/media-geometry.js';
import { type ImagePlanOptions, planImage } from '../../../src/vision/image-plan.js';

const config = {
  ...{ imageSize: 384, side: 24, maxTiles: 9, nProjection: 8 },
  pinpoints: [
    { width: 384, height: 384 },
    { width: 768, height: 384 },
    { width: 768, height: 768 },
  ],
};

function geometryOf(width: number, height: number, options: Partial<ImagePlanOptions> = {}) {
  const plan = planImage({ width, height }, config, {
    ...{ dialect: 'llava-next', imageCount: 1 },
    ...options,
  });
  return imageGeometry({ width, height }, plan);
}

it('a picture in the middle of its tiles: features of the padding are left out', () => {
  expect(geometryOf(1536, 576)).toEqual({
    image: { width: 1536, height: 576 },
    canvas: { width: 768, height: 384 },
    picture: { x: 0, y: 48, width: 768, height: 288 },
    tile: 384,
    hasOverview: true,
    // 18 of 24 rows of patches, of 16 pixels each.
    kept: { x: 0, y: 48, width: 768, height: 288 },
  });
});

it('one among several is a single square, in its own pixels', () => {
  expect(geometryOf(300, 100, { imageCount: 2 })).toEqual({
    image: { width: 300, height: 100 },
    canvas: { width: 300, height: 300 },
    picture: { x: 0, y: 100, width: 300, height: 100 },
    tile: 300,
    hasOverview: false,
  });
});

it('a line of which no patch is used has an overview alone', () => {
  const geometry = geometryOf(10_000, 1);
  expect(geometry).toMatchObject({ hasOverview: true, tile: 384 });
  expect(geometry).not.toHaveProperty('kept');
});

it('frames have times where all of them are known', () => {
  const clip = { width: 64, height: 48, durationSeconds: 2 };
  const timed = clipGeometry({ ...clip, secondsOf: (index) => index / 10 }, [0, 5, 19]);
  expect(timed).toEqual({ width: 64, height: 48, seconds: 2, frameSeconds: [0, 0.5, 1.9] });
  const list = { ...clip, durationSeconds: undefined, secondsOf: () => undefined };
  expect(clipGeometry(list, [0, 1])).toEqual({ width: 64, height: 48 });
});
