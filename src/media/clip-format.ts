/** Why a file of which no frame decodes is no clip, from its first bytes: ffmpeg's own words name neither what it is nor what to do. */
import { withFile } from '../files/with-file.js';
import { formatName, mediaType } from './sniff.js';

const HEAD = 512;
/** Pictures of which ffmpeg reads several as a clip. */
const MOVING = ['image/gif', 'image/png'];

export async function whyNoFrames(path: string): Promise<string> {
  const head = await readHead(path);
  const name = formatName(head);
  const isStill = mediaType(head)?.startsWith('image/') && !MOVING.includes(mediaType(head)!);
  if (name === undefined) return 'no frame of it decodes';
  if (!isStill) return `it is ${name}, and no frame of it decodes`;
  return (
    `it is ${name}, a picture, and no frame of it decodes as a clip; ` +
    'pass it as an image, the frames of an animation as an array of pictures, or a video file'
  );
}

function readHead(path: string): Promise<Uint8Array> {
  return withFile(path, 'r', async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  });
}
