/**
 * One clip, from whatever the caller holds to RGB frames by number: a file, URL or bytes through ffmpeg, or frames.
 * Opening tells how many frames there are and how large; which of them are wanted is frame-sampling.ts, and a
 * clip of any length costs the memory of a few frames. Knows nothing about tiles: no resizing here.
 */
import { invalidArgument, LlavaError } from '../errors.js';
import { countFrames, decodeFrames } from './ffmpeg-frames.js';
import type { Clip } from './ffmpeg-input.js';
import { undecodable } from './ffmpeg-process.js';
import { type ClipScan, scanClip } from './ffmpeg-scan.js';
import { type FfmpegPaths, findFfmpeg } from './ffmpeg-tools.js';
import { checkImageSource, DEFAULT_MAX_PIXELS, type ImageSource, type RgbImage } from './image.js';
import { hashVideoFile, openVideoFile } from './video-file.js';
import { framesOf, openFrameList } from './video-frame-list.js';

/** A string is a path, or an http(s):, file: or data: URL; a Uint8Array is a video file; else the frames in order. */
export type VideoSource =
  | string
  | URL
  | Uint8Array
  | readonly ImageSource[]
  | AsyncIterable<ImageSource>;

export interface VideoOptions extends FfmpegPaths {
  /** Clips with larger frames are refused; default as for pictures. */
  maxFramePixels?: number;
  /** Turn frames given as pictures upright, as their EXIF orientation says; video files always are. Default true. */
  autoOrient?: boolean;
  /** How long a server may send nothing. Default 30,000. */
  timeoutMs?: number | undefined;
  /** Ends opening and every reading of frames, and closes the clip. */
  signal?: AbortSignal;
}

export interface OpenedVideo {
  readonly nFrames: number;
  /** Pixels of the first frame, upright. */
  readonly width: number;
  readonly height: number;
  /** Average frames per second; unknown for lists of frames, and without ffprobe. */
  readonly fps: number | undefined;
  readonly durationSeconds: number | undefined;
  /** sha256, in hex, of the file's bytes or of the frames. */
  readonly hash: string;
  /** When a frame is shown, from the first on: its own time stamp, else by the frame rate. Unknown as `fps` is. */
  secondsOf(index: number): number | undefined;
  /**
   * One picture for each index, in presentation order: index i is the i-th frame that decodes.
   * Leaving the loop early ends the decoder. Pictures of equal indices are the same object.
   * @param indices 0 … nFrames - 1, not descending, at most 4096 different
   * @throws ERR_INVALID_ARGUMENT, ERR_DISPOSED, ERR_VIDEO_DECODE, ERR_IMAGE_DECODE; an abort rejects with `signal.reason`
   */
  frames(indices: readonly number[]): AsyncGenerator<RgbImage>;
  /** Deletes the temporary copy of bytes and downloads, and ends readings in progress. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What kinds of video give; `openVideo` adds checks and lifetime. */
interface Reader extends Pick<OpenedVideo, 'nFrames' | 'width' | 'height' | 'hash'> {
  fps?: number | undefined;
  durationSeconds?: number | undefined;
  secondsOf?: OpenedVideo['secondsOf'];
  read(indices: readonly number[]): AsyncGenerator<RgbImage>;
  remove?(): Promise<void>;
}

type ReaderOptions = VideoOptions & { signal: AbortSignal; maxFramePixels: number };

/** What a filter expression of ffmpeg may hold; far beyond what a context does. */
const MAX_INDICES = 4096;

/**
 * Dispose of the clip, or declare it with `await using`: bytes and downloads live in a private temporary file until then.
 * @throws ERR_INVALID_ARGUMENT for a source that cannot be one, ERR_FFMPEG_NOT_FOUND, ERR_VIDEO_DECODE for what cannot be
 *   read or has no picture, ERR_IMAGE_DECODE for a frame of a list; an abort rejects with `signal.reason`
 */
export async function openVideo(
  source: VideoSource,
  options: VideoOptions = {},
): Promise<OpenedVideo> {
  checkVideoSource(source, 'video');
  const { maxFramePixels = DEFAULT_MAX_PIXELS } = options;
  if (!(maxFramePixels > 0))
    throw invalidArgument('maxFramePixels', 'a positive number', maxFramePixels);
  options.signal?.throwIfAborted();
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, ...(options.signal ? [options.signal] : [])]);
  const whole = { ...options, signal, maxFramePixels };
  const reader = await (isFileSource(source) ? openFile(source, whole) : openList(source, whole));
  const video = lend(reader, closing, signal);
  if (!signal.aborted) return video;
  await video[Symbol.asyncDispose]();
  throw signal.reason;
}

/** @param signal aborted by the caller or by `closing` */
function lend(reader: Reader, closing: AbortController, signal: AbortSignal): OpenedVideo {
  const { read, remove, ...facts } = reader;
  // Disposal reports a failure.
  signal.addEventListener('abort', () => void remove?.().catch(() => {}), { once: true });
  return {
    ...{ fps: undefined, durationSeconds: undefined, secondsOf: () => undefined, ...facts },
    frames(indices) {
      checkIndices(indices, facts.nFrames);
      return pictures(read, [...indices], signal);
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new LlavaError('ERR_DISPOSED', 'The video is closed', { handle: 'video' }));
      await remove?.();
    },
  };
}

async function* pictures(
  read: Reader['read'],
  indices: readonly number[],
  signal: AbortSignal,
): AsyncGenerator<RgbImage> {
  signal.throwIfAborted();
  if (indices.length === 0) return;
  let place = 0;
  for await (const image of read([...new Set(indices)])) {
    signal.throwIfAborted();
    const index = indices[place];
    for (; indices[place] === index && place < indices.length; place++) yield image;
  }
}

function checkIndices(indices: readonly number[], nFrames: number): void {
  for (const [place, index] of indices.entries()) {
    if (!Number.isInteger(index) || index < 0 || index >= nFrames)
      throw invalidArgument(`indices[${place}]`, `a frame number from 0 to ${nFrames - 1}`, index);
    if (index < (indices[place - 1] ?? 0))
      throw invalidArgument(
        `indices[${place}]`,
        `at least the ${indices[place - 1]} before it`,
        index,
      );
  }
  const nDifferent = new Set(indices).size;
  if (nDifferent > MAX_INDICES)
    throw invalidArgument('indices', `at most ${MAX_INDICES} different frames`, nDifferent);
}

/** @throws ERR_INVALID_ARGUMENT naming `argument` unless `source` is a VideoSource; reads nothing. */
export function checkVideoSource(source: unknown, argument: string): asserts source is VideoSource {
  if (typeof source === 'string' && source !== '') return;
  if (source instanceof URL || source instanceof Uint8Array) return;
  if (Array.isArray(source)) {
    if (source.length === 0)
      throw invalidArgument(argument, 'at least one frame', 'an empty array');
    for (const [index, frame] of source.entries()) checkImageSource(frame, `${argument}[${index}]`);
    return;
  }
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source) return;
  throw invalidArgument(
    argument,
    'a path, a URL, the bytes of a video file, an array or async iterable of frames',
    source,
  );
}

function isFileSource(source: VideoSource): source is string | URL | Uint8Array {
  return typeof source === 'string' || source instanceof URL || source instanceof Uint8Array;
}

async function openList(
  source: readonly ImageSource[] | AsyncIterable<ImageSource>,
  { signal, maxFramePixels: maxPixels, autoOrient = true, timeoutMs }: ReaderOptions,
): Promise<Reader> {
  const list = await openFrameList(source, { maxPixels, autoOrient, timeoutMs, signal });
  const { width, height } = list.images[0]!;
  const read = (indices: readonly number[]) => framesOf(list, indices);
  return { nFrames: list.images.length, width, height, hash: list.hash, read };
}

async function openFile(
  source: string | URL | Uint8Array,
  options: ReaderOptions,
): Promise<Reader> {
  const { signal, maxFramePixels } = options;
  const tools = await findFfmpeg(options);
  const file = await openVideoFile(source, options);
  try {
    const hash = await hashVideoFile(file, signal);
    const clip: Clip = { ...file, tools, maxFramePixels, signal };
    return { ...(await readClip(clip)), hash, remove: file.remove };
  } catch (error) {
    await file.remove();
    throw error;
  }
}

async function readClip(clip: Clip): Promise<Omit<Reader, 'hash'>> {
  const scan = await scanClip(clip);
  if (scan?.hasVideo === false)
    throw undecodable(clip.label, 'it has no video stream, only sound or data');
  const { width, height } = await firstFrame(clip);
  if (width * height > clip.maxFramePixels)
    throw undecodable(
      clip.label,
      `its frames have ${width}×${height} = ${width * height} pixels, more than the ${clip.maxFramePixels} allowed`,
    );
  const nFrames = scan?.times?.frames.length ?? (await countFrames(clip));
  const read = (indices: readonly number[]) => decodeFrames(clip, indices, scan?.times);
  const { fps, durationSeconds } = scan ?? {};
  const secondsOf = (index: number) => shownAt(scan, index);
  return { nFrames, width, height, fps, durationSeconds, secondsOf, read };
}

function shownAt({ times, fps }: Partial<ClipScan> = {}, index: number): number | undefined {
  if (times) return (times.frames[index]! - times.frames[0]!) * times.secondsPerTick;
  return fps && index / fps;
}

/** Its size is the truth that headers only promise, and it proves that the clip decodes. */
async function firstFrame(clip: Clip): Promise<RgbImage> {
  for await (const image of decodeFrames(clip, [0])) return image;
  throw undecodable(clip.label, 'no frame of it decodes');
}
