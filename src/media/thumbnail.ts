import sharp from 'sharp';
import type { RgbImage } from './image.js';

/** The whole picture, shrunk to fit into `box`; for people to look at, not for the model. */
export async function thumbnail(
  { width, height, data }: RgbImage,
  box: { width: number; height: number },
): Promise<RgbImage> {
  const { data: small, info } = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ ...box, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: small };
}
