/** Pictures within drawings, for people to look at: pixels to a data: URL, a drawing to PNG. */
import sharp from 'sharp';
import type { RgbImage } from './image.js';
import { thumbnail } from './thumbnail.js';

/** A JPEG of the whole picture, shrunk to fit into `box`, as a data: URL. */
export async function pictureUrl(
  image: RgbImage,
  box: { width: number; height: number },
): Promise<string> {
  const { width, height, data } = await thumbnail(image, box);
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}

/** @param svg that names no other files */
export function svgToPng(svg: string): Promise<Buffer> {
  // A drawing of a long clip has a data: URL for each frame.
  return sharp(Buffer.from(svg), { unlimited: true }).png().toBuffer();
}
