/**
 * A clip given as its frames: an array, or an async iterable that is read to its end, for frames are chosen by their total.
 * All frames are held until the clip is closed, encoded where they came encoded.
 */
import { createHash } from 'node:crypto';
import { undecodable } from './ffmpeg-process.js';
import {
  checkImageSource,
  type ImageOptions,
  type ImageSource,
  type OpenedImage,
  openImage,
  type RawImage,
  type RgbImage,
} from './image.js';
import { raced } from './raced.js';

export interface FrameList {
  images: readonly OpenedImage[];
  /** sha256, in hex, of the frames' hashes in order. */
  hash: string;
}

type Frames = readonly ImageSource[] | AsyncIterable<ImageSource>;

/** Raw frames of a stream; 2 GiB are 345 frames of 1080p. */
const MAX_STREAMED_BYTES = 2 ** 31;

/** @throws ERR_INVALID_ARGUMENT naming the frame, ERR_IMAGE_DECODE, ERR_VIDEO_DECODE for a stream of none or too many */
export async function openFrameList(
  source: Frames,
  options: ImageOptions & { signal: AbortSignal },
): Promise<FrameList> {
  const sources = Array.isArray(source)
    ? (source as readonly ImageSource[])
    : await collect(source as AsyncIterable<ImageSource>, options.signal);
  const images: OpenedImage[] = [];
  const hash = createHash('sha256').update('frames\n');
  for (const frame of sources) {
    const image = await openImage(frame, options);
    hash.update(`${image.hash}\n`);
    images.push(image);
  }
  return { images, hash: hash.digest('hex') };
}

/** Decoded one at a time. @param indices frame numbers, each once */
export async function* framesOf(
  { images }: FrameList,
  indices: readonly number[],
): AsyncGenerator<RgbImage> {
  for (const index of indices) yield await images[index]!.decode();
}

async function collect(
  stream: AsyncIterable<ImageSource>,
  signal: AbortSignal,
): Promise<ImageSource[]> {
  const frames: ImageSource[] = [];
  let bytes = 0;
  for await (const frame of untilAborted(stream, signal)) {
    checkImageSource(frame, `video[${frames.length}]`);
    const own = copyOfRaw(frame);
    if (own) bytes += own.data.length;
    if (bytes > MAX_STREAMED_BYTES)
      throw undecodable(
        'stream',
        `its first ${frames.length} frames fill ${MAX_STREAMED_BYTES} bytes; stream fewer or smaller frames, or pass a video file`,
      );
    frames.push(own ?? frame);
  }
  if (frames.length === 0) throw undecodable('stream', 'it ended without a frame');
  return frames;
}

/** A stream may reuse its pixel buffer for the next frame. */
function copyOfRaw(frame: ImageSource): RawImage | null {
  if (typeof frame !== 'object' || !('data' in frame)) return null;
  return { ...frame, data: frame.data.slice() };
}

/** Does not wait for a frame that never comes. */
async function* untilAborted<T>(stream: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const frames = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const frame = await raced(frames.next(), { signal });
      if (frame.done) return;
      yield frame.value;
    }
  } finally {
    const closing = Promise.resolve(frames.return?.());
    if (signal.aborted) closing.catch(() => {});
    else await closing;
  }
}
