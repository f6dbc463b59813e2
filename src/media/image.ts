/**
 * One picture, from whatever the caller holds to RGB pixels: path, URL, encoded bytes or raw pixels.
 * Opening reads the bytes and the header only, so that a prompt can be planned before anything is decoded.
 * Knows nothing about tiles: no resizing here.
 */
import { createHash } from 'node:crypto';
import { invalidArgument, LlavaError } from '../errors.js';
import { type EncodedImage, readImageBytes } from './image-bytes.js';
import { decodePixels, type ImageHeader, readImageHeader } from './image-decode.js';

/** RGB8, [height, width, 3], row-major without padding. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** RGB pixels as a caller may hand them over: a Buffer and a canvas's clamped array will do. */
export interface RawImage {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** A string is a path, or an http(s):, file: or data: URL; a Uint8Array is an encoded file (JPEG, PNG, …). */
export type ImageSource = string | URL | Uint8Array | RawImage;

export interface ImageOptions {
  /** Pictures with more pixels are refused before they are decoded. */
  maxPixels: number;
  /** Turn the picture upright as its EXIF orientation says. */
  autoOrient: boolean;
  /** How long a server may send nothing. Default 30,000. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal;
}

export const DEFAULT_MAX_PIXELS = 100e6;

/** A line longer than this cannot be padded to a square tile in reasonable memory. */
const MAX_SIDE = 1e6;

export interface OpenedImage {
  /** Pixels, after orientation. */
  readonly width: number;
  readonly height: number;
  /** sha256, in hex, of the bytes and of every option that changes the pixels. */
  readonly hash: string;
  /** @throws ERR_IMAGE_DECODE */
  decode(): Promise<RgbImage>;
}

/**
 * Reads the bytes and the header of a picture. Arrays passed in are borrowed until it is decoded: do not mutate them.
 * @throws ERR_INVALID_ARGUMENT for a source that cannot be one, ERR_IMAGE_DECODE for what cannot be read or decoded
 */
export async function openImage(source: ImageSource, options: ImageOptions): Promise<OpenedImage> {
  checkImageSource(source, 'image');
  if (!(options.maxPixels > 0))
    throw invalidArgument('maxPixels', 'a positive number', options.maxPixels);
  options.signal?.throwIfAborted();
  if (isRaw(source)) return openRaw(source, options);
  const encoded = await readImageBytes(source, options);
  const header = await readImageHeader(encoded, options.autoOrient);
  options.signal?.throwIfAborted();
  return openEncoded(encoded, header, options);
}

/** @throws ERR_INVALID_ARGUMENT naming `argument` unless `source` is an ImageSource; reads nothing. */
export function checkImageSource(source: unknown, argument: string): asserts source is ImageSource {
  if (typeof source === 'string' && source !== '') return;
  if (source instanceof URL || source instanceof Uint8Array) return;
  const expected = 'a path, a URL, the bytes of an image file or { width, height, data }';
  if (typeof source !== 'object' || source === null || !('data' in source))
    throw invalidArgument(argument, expected, source);
  checkRaw(source as Partial<RawImage>, argument);
}

function checkRaw({ width, height, data }: Partial<RawImage>, argument: string): void {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || (value as number) < 1)
      throw invalidArgument(`${argument}.${name}`, 'a positive integer', value);
  }
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray))
    throw invalidArgument(`${argument}.data`, 'a Uint8Array of RGB pixels', data);
  const length = width! * height! * 3;
  if (data.length !== length)
    throw invalidArgument(
      `${argument}.data.length`,
      `${length} (width × height × 3, RGB without alpha)`,
      data.length,
    );
}

function isRaw(source: ImageSource): source is RawImage {
  return typeof source === 'object' && 'data' in source;
}

function openRaw({ width, height, data }: RawImage, options: ImageOptions): OpenedImage {
  checkPixels({ width, height }, options.maxPixels, `pixels of ${width}×${height}`);
  const rgb = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const hash = createHash('sha256').update(`rgb ${width} ${height}\n`).update(rgb).digest('hex');
  return { width, height, hash, decode: async () => ({ width, height, data: rgb }) };
}

function openEncoded(
  encoded: EncodedImage,
  header: ImageHeader,
  { maxPixels, autoOrient, signal }: ImageOptions,
): OpenedImage {
  checkPixels(header, maxPixels, encoded.label);
  const hash = createHash('sha256')
    .update(`picture ${autoOrient ? 'upright' : 'as-stored'}\n`)
    .update(encoded.bytes)
    .digest('hex');
  const { width, height } = header;
  const decode = async (): Promise<RgbImage> => {
    signal?.throwIfAborted();
    const data = await decodePixels(encoded, header);
    signal?.throwIfAborted();
    return { width, height, data };
  };
  return { width, height, hash, decode };
}

function checkPixels(
  { width, height }: { width: number; height: number },
  maxPixels: number,
  source: string,
): void {
  const refuse = (problem: string) =>
    new LlavaError('ERR_IMAGE_DECODE', `Image ${source} has ${problem}`, { source });
  if (width * height > maxPixels)
    throw refuse(
      `${width}×${height} = ${width * height} pixels, more than the ${maxPixels} allowed; ` +
        'pass a smaller image or raise `maxPixels`',
    );
  if (Math.max(width, height) > MAX_SIDE)
    throw refuse(`${width}×${height} pixels; no side may be longer than ${MAX_SIDE}`);
}
