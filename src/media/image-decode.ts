/**
 * sharp as a plain decoder: encoded bytes to the RGB bytes that Pillow's convert('RGB') gives.
 * Alpha is dropped without compositing, colour profiles are ignored, 16 bits keep their high byte (Pillow does
 * so for colour; its grey 16-bit images clip at 255, which turns them white: we keep the high byte there too).
 * A GIF's transparent pixels come out black, where Pillow shows the palette entry behind them.
 */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { LlavaError } from '../errors.js';
import type { EncodedImage } from './image-bytes.js';

export interface ImageHeader {
  /** Pixels, after orientation if that was asked for. */
  width: number;
  height: number;
  /** Pixels are ink amounts: cyan, magenta, yellow, black. */
  isCmyk: boolean;
}

/** No SVG: it is a program rather than pixels. HEIC needs a codec that sharp does not ship. */
const FORMATS = ['jpeg', 'png', 'webp', 'heif', 'gif', 'tiff'];

/** @throws ERR_IMAGE_DECODE */
export async function readImageHeader(
  image: EncodedImage,
  autoOrient: boolean,
): Promise<ImageHeader> {
  const metadata = await guard(image, () => pipeline(image, autoOrient).metadata());
  checkFormat(image, metadata);
  const { width, height } = autoOrient ? metadata.autoOrient : metadata;
  return { width, height, isCmyk: metadata.space === 'cmyk' && metadata.depth === 'uchar' };
}

/** RGB bytes [height, width, 3]. @throws ERR_IMAGE_DECODE */
export async function decodePixels(
  image: EncodedImage,
  { width, height, isCmyk }: ImageHeader,
  autoOrient: boolean,
): Promise<Uint8Array> {
  const decoder = pipeline(image, autoOrient).removeAlpha();
  const coloured = isCmyk
    ? decoder.pipelineColourspace('cmyk').toColourspace('cmyk')
    : decoder.toColourspace('srgb');
  const { data, info } = await guard(image, () =>
    coloured.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
  );
  const expected = { width, height, channels: isCmyk ? 4 : 3 };
  for (const [name, value] of Object.entries(expected)) {
    const found = info[name as keyof typeof expected];
    if (found !== value) throw undecodable(image, `${name} is ${found}, expected ${value}`);
  }
  return isCmyk ? cmykToRgb(data) : data;
}

function pipeline({ bytes }: EncodedImage, autoOrient: boolean): Sharp {
  return sharp(bytes, {
    // Like Pillow: a truncated or broken stream is an error, a stray byte between JPEG segments is not.
    failOn: 'error',
    limitInputPixels: false, // image.ts has its own cap, with a better message
    ignoreIcc: true,
    autoOrient,
  });
}

/** Pillow's naive conversion, with its rounding. @see Pillow src/libImaging/Convert.c cmyk2rgb */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += 3) {
    const light = 255 - cmyk[from + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      const product = cmyk[from + ink]! * light + 128;
      rgb[to + ink] = light - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
}

function checkFormat(image: EncodedImage, { format, compression }: Metadata): void {
  const isAvif = format !== 'heif' || compression === 'av1';
  if (FORMATS.includes(format) && isAvif) return;
  const found = isAvif ? format.toUpperCase() : `HEIF (${compression})`;
  throw undecodable(image, `${found} is not one of JPEG, PNG, WebP, AVIF, GIF, TIFF`);
}

async function guard<T>(image: EncodedImage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw undecodable(image, (cause as Error).message.split('\n')[0]!, cause);
  }
}

function undecodable({ label }: EncodedImage, reason: string, cause?: unknown): LlavaError {
  return new LlavaError(
    'ERR_IMAGE_DECODE',
    `Cannot decode image ${label}: ${reason}`,
    { source: label },
    { cause },
  );
}
