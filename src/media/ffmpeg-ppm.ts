/**
 * Pictures out of ffmpeg's pipe. PPM is raw rgb24 behind a header with its size, so nothing has to be
 * assumed about a clip whose size changes, whose metadata lies or that ffmpeg turned upright.
 */
import { undecodable } from './ffmpeg-process.js';
import type { RgbImage } from './image.js';

/** "P6\n1920 1080\n255\n" */
const HEADER = /^P6\s(\d+)\s(\d+)\s255\s/;
const MAX_HEADER = 32;

/**
 * Ends quietly within a picture when the pipe does: whoever asked counts what came.
 * @param maxPixels what no decoder exceeds that is in its right mind
 */
export async function* readPpm(
  chunks: AsyncIterable<Uint8Array>,
  maxPixels: number,
): AsyncGenerator<RgbImage> {
  let head = Buffer.alloc(0);
  let image: RgbImage | null = null;
  let filled = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      if (image === null) {
        head = Buffer.concat([head, rest]);
        image = startImage(head, maxPixels);
        if (image === null) break;
        rest = head.subarray(headerLength(head));
        head = Buffer.alloc(0);
        filled = 0;
      }
      const part = rest.subarray(0, image.data.length - filled);
      image.data.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
      if (filled < image.data.length) continue;
      yield image;
      image = null;
    }
  }
}

function startImage(head: Buffer, maxPixels: number): RgbImage | null {
  const match = HEADER.exec(head.toString('latin1', 0, MAX_HEADER));
  if (match === null) {
    if (head.length >= MAX_HEADER) throw undecodable('stream', 'ffmpeg did not send a PPM picture');
    return null;
  }
  const [width, height] = [Number(match[1]), Number(match[2])];
  if (width * height > maxPixels)
    throw undecodable('stream', `a frame has more than ${maxPixels} pixels`);
  return { width, height, data: new Uint8Array(width * height * 3) };
}

function headerLength(head: Buffer): number {
  return HEADER.exec(head.toString('latin1', 0, MAX_HEADER))![0].length;
}
