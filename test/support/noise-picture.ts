/** A picture of noise, in which no compression hides a mistake, and what openImage makes of it. */
import sharp, { type Sharp } from 'sharp';
import { expect } from 'vitest';
import { DEFAULT_MAX_PIXELS, type ImageSource, openImage } from '../../src/media/image.js';

export const WIDTH = 48;

export const HEIGHT = 32;

export const options = { maxPixels: DEFAULT_MAX_PIXELS, autoOrient: true };

/** Deterministic noise: every value occurs, no compression hides a mistake. */
export const noise = (length: number, seed = 1) => {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
};

export const rgb = noise(WIDTH * HEIGHT * 3);

export const raw = (data: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4) =>
  sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } });

export const picture = () => raw(rgb, 3);

export async function decode(source: ImageSource, autoOrient = true) {
  const image = await openImage(source, { ...options, autoOrient });
  const decoded = await image.decode();
  expect([decoded.width, decoded.height]).toEqual([image.width, image.height]);
  expect(decoded.data).toHaveLength(image.width * image.height * 3);
  return decoded;
}

export const pixels = async (encoder: Sharp) => [...(await decode(await encoder.toBuffer())).data];

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
}
