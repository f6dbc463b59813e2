/**
 * Encoded bytes to the RGB bytes that Pillow's convert('RGB') gives: sharp as a plain decoder, and bmp.ts.
 * Alpha is dropped without compositing, colour profiles are ignored, 16 bits keep their high byte (Pillow does
 * so for colour; its grey 16-bit images clip at 255, which turns them white: we keep the high byte there too).
 */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { LlavaError } from '../errors.js';
import { type BmpHeader, decodeBmp, isBmp, readBmpHeader } from './bmp.js';
import { fillHidden, firstGifFrame } from './gif-frame.js';
import type { EncodedImage } from './image-bytes.js';
import { isTurned, orientationOf, turnUpright } from './orientation.js';
import { formatName } from './sniff.js';

export interface ImageHeader {
  /** Pixels, after orientation if that was asked for. */
  width: number;
  height: number;
  /** How to turn it, as EXIF numbers it. */
  orientation: number;
  /** The format, where decoding depends on it. */
  kind: 'jpeg' | 'tiff' | 'gif' | 'other';
  /** Depth of pixels that are ink amounts: cyan, magenta, yellow, black. */
  cmykDepth?: 'uchar' | 'ushort';
  /** The header of a BMP, which sharp does not read. */
  bmp?: BmpHeader;
}

/** No SVG: it is a program rather than pixels. HEIC needs a codec that sharp does not ship. */
const FORMATS = ['jpeg', 'png', 'webp', 'heif', 'gif', 'tiff'];
const FORMATS_READ = 'JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP';
/** An AVIF may call itself HEIF. */
const isRead = (name: string) => name === 'HEIF' || FORMATS_READ.split(/, | or /).includes(name);

/** @throws ERR_IMAGE_DECODE */
export async function readImageHeader(
  image: EncodedImage,
  autoOrient: boolean,
): Promise<ImageHeader> {
  if (isBmp(image.bytes)) return readBmp(image);
  const metadata = await guard(image, () => decoder(image, 'other').metadata());
  checkFormat(image, metadata);
  const { width, height, format, space, depth } = metadata;
  const orientation = autoOrient ? orientationOf(metadata) : 1;
  const size = isTurned(orientation) ? { width: height, height: width } : { width, height };
  const kind = format === 'jpeg' || format === 'tiff' || format === 'gif' ? format : 'other';
  const isCmyk = space === 'cmyk' && (depth === 'uchar' || depth === 'ushort');
  if (space === 'cmyk' ? !isCmyk : depth === 'char')
    throw undecodable(image, `${space} pixels of type ${depth} are not read`);
  return { ...size, orientation, kind, ...(isCmyk && { cmykDepth: depth }) };
}

async function readBmp(image: EncodedImage): Promise<ImageHeader> {
  const bmp = await guard(image, async () => readBmpHeader(image.bytes));
  const { width, height } = bmp;
  return { width, height, orientation: 1, kind: 'other', bmp };
}

/** RGB bytes [height, width, 3]. @throws ERR_IMAGE_DECODE */
export async function decodePixels(image: EncodedImage, header: ImageHeader): Promise<Uint8Array> {
  const { kind, bmp, cmykDepth } = header;
  if (bmp) return guard(image, () => decodeBmp(image.bytes, bmp));
  if (kind === 'tiff') return decodeTiff(image, header);
  const pixels = await decode(image, header, 'error');
  if (kind === 'gif') return fillHidden(pixels, header.width, firstGifFrame(image.bytes));
  return cmykDepth ? cmykToRgb(pixels) : pixels;
}

type FailOn = 'error' | 'warning';

/**
 * Missing tiles are only a warning to libvips, but so are odd tags: whatever is just that passes the second time.
 */
async function decodeTiff(image: EncodedImage, header: ImageHeader): Promise<Uint8Array> {
  const pixels = await decode(image, header, 'warning').catch((error: LlavaError) => {
    if (!/Warning treated as error/.test(error.message)) throw error;
    return decode(image, header, 'error');
  });
  return header.cmykDepth ? cmykToRgb(pixels) : pixels;
}

/** The pixels: RGBA for a GIF, CMYK for inks, else RGB; 8 bits each. */
async function decode(
  image: EncodedImage,
  { width, height, orientation, kind, cmykDepth }: ImageHeader,
  failOn: FailOn,
): Promise<Uint8Array> {
  const picture = turnUpright(decoder(image, kind, failOn), orientation);
  const coloured = cmykDepth
    ? picture.removeAlpha().pipelineColourspace('cmyk').toColourspace('cmyk')
    : (kind === 'gif' ? picture.ensureAlpha() : picture.removeAlpha()).toColourspace('srgb');
  const { data, info } = await guard(image, () =>
    coloured.raw({ depth: cmykDepth ?? 'uchar' }).toBuffer({ resolveWithObject: true }),
  );
  const expected = { width, height, channels: cmykDepth || kind === 'gif' ? 4 : 3 };
  for (const [name, value] of Object.entries(expected)) {
    const found = info[name as keyof typeof expected];
    if (found !== value) throw undecodable(image, `${name} is ${found}, expected ${value}`);
  }
  return cmykDepth === 'ushort' ? highBytes(data) : data;
}

function decoder(
  { bytes }: EncodedImage,
  kind: ImageHeader['kind'],
  failOn: FailOn = 'error',
): Sharp {
  return sharp(bytes, {
    // Like Pillow: a truncated or broken stream is an error, a stray byte between JPEG segments is not.
    failOn,
    // However many stray bytes there are; the pixels are limited by image.ts.
    unlimited: kind === 'jpeg',
    limitInputPixels: false, // image.ts has its own cap, with a better message
    ignoreIcc: true,
    autoOrient: false,
  });
}

function highBytes(words: Buffer): Uint8Array {
  const wide = new Uint16Array(words.buffer, words.byteOffset, words.length / 2);
  return Uint8Array.from(wide, (word) => word >> 8);
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
  throw unsupported(image, isAvif ? format.toUpperCase() : `HEIF (${compression})`);
}

function unsupported(image: EncodedImage, found: string, cause?: unknown): LlavaError {
  return undecodable(image, `it is ${found}; expected ${FORMATS_READ}`, cause);
}

async function guard<T>(image: EncodedImage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const found = formatName(image.bytes) ?? 'of an unknown format';
    if (!isRead(found)) throw unsupported(image, found, cause);
    throw undecodable(image, reasonOf(cause as Error), cause);
  }
}

/** A decoder may tell where in memory it failed, which helps whoever attacks it. */
function reasonOf({ message }: Error): string {
  return message.split('\n')[0]!.replace(/\b0x[\da-f]{4,}/gi, '…');
}

function undecodable({ label }: EncodedImage, reason: string, cause?: unknown): LlavaError {
  return new LlavaError(
    'ERR_IMAGE_DECODE',
    `Cannot decode image ${label}: ${reason}`,
    { source: label },
    { cause },
  );
}
