/**
 * BMP pictures, which sharp does not read: OS/2 and Windows headers, 1 to 32 bits, RLE, bit fields, either row order; the
 * pixels are Pillow's. Alpha is dropped. Pixels that a run-length encoding skips have colour 0.
 * Throws plain errors that say what is wrong. @see https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeRle } from './bmp-rle.js';

export interface BmpHeader {
  width: number;
  height: number;
  bits: number;
  compression: 'none' | 'rle8' | 'rle4' | 'masks';
  isTopDown: boolean;
  /** RGB, 3 bytes for each colour; empty above 8 bits. */
  palette: Uint8Array;
  /** Bits of red, green and blue in pixels of 16 and 32 bits. */
  masks: readonly number[];
  /** Where the pixels are. */
  offset: number;
}

const FILE_HEADER = 14;
/** OS/2 1; OS/2 2, short and whole; Windows 3, with masks, 4, 5. */
const HEADERS = [12, 16, 64, 40, 52, 56, 108, 124];
const MASKS_OF: Record<number, readonly number[]> = {
  16: [0x7c00, 0x03e0, 0x001f],
  24: [0xff0000, 0x00ff00, 0x0000ff],
  32: [0xff0000, 0x00ff00, 0x0000ff],
};
/** Milliseconds of work between turns of the event loop. */
const SLICE_MS = 10;

export function isBmp(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = FILE_HEADER + (bytes.length < 18 ? 4 : view.getUint32(FILE_HEADER, true));
  if (bytes.length < end) throw new Error('the BMP header is cut off');
  const headerSize = end - FILE_HEADER;
  if (!HEADERS.includes(headerSize))
    throw new Error(`a BMP header of ${headerSize} bytes is unknown`);
  const isOld = headerSize === 12;
  const width = isOld ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isOld ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(isOld ? 24 : 28, true);
  const height = Math.abs(signedHeight);
  if (width < 1 || height < 1) throw new Error(`the BMP is ${width}×${signedHeight} pixels`);
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits)) throw new Error(`a BMP of ${bits} bits is unknown`);
  const code = headerSize > 16 ? view.getUint32(30, true) : 0;
  const compression = compressionOf(code, bits, headerSize);
  const masksEnd =
    headerSize === 40 && compression === 'masks' ? end + (code === 6 ? 16 : 12) : end;
  if (bytes.length < masksEnd) throw new Error('the BMP header is cut off');
  const nColours = bits > 8 ? 0 : (headerSize > 36 && view.getUint32(46, true)) || 1 << bits;
  const palette = readPalette(
    bytes.subarray(masksEnd),
    Math.min(nColours, 1 << bits),
    isOld ? 3 : 4,
  );
  const stored = view.getUint32(10, true);
  const afterPalette = masksEnd + nColours * (isOld ? 3 : 4);
  // Some writers forget the palette.
  const offset = stored === end && bits <= 8 ? afterPalette : stored || afterPalette;
  const masks = compression === 'masks' ? masksIn(view, bits) : (MASKS_OF[bits] ?? []);
  return { width, height, bits, compression, isTopDown: signedHeight < 0, palette, masks, offset };
}

function compressionOf(code: number, bits: number, headerSize: number): BmpHeader['compression'] {
  const isOs2 = headerSize === 64;
  if (code === 0) return 'none';
  if (code === 1 && bits === 8) return 'rle8';
  if (code === 2 && bits === 4) return 'rle4';
  if ((code === 3 || code === 6) && bits >= 16 && !isOs2) return 'masks';
  throw new Error(`a BMP of ${bits} bits with compression ${code} is not read`);
}

function masksIn(view: DataView, bits: number): readonly number[] {
  const masks = [54, 58, 62].map((at) => view.getUint32(at, true));
  if (masks.every((mask) => mask === 0)) return MASKS_OF[bits]!;
  return masks;
}

function readPalette(bytes: Uint8Array, nColours: number, stride: number): Uint8Array {
  if (bytes.length < nColours * stride) throw new Error('the BMP palette is cut off');
  // Pillow's colours beyond the palette's end are greys.
  const palette = Uint8Array.from({ length: 256 * 3 }, (_, i) => i / 3);
  for (let i = 0; i < nColours; i++)
    for (let channel = 0; channel < 3; channel++)
      palette[i * 3 + channel] = bytes[i * stride + 2 - channel]!;
  return palette;
}

/** RGB bytes [height, width, 3]; other work of the process goes on meanwhile. */
export async function decodeBmp(bytes: Uint8Array, header: BmpHeader): Promise<Uint8Array> {
  const { width, height, isTopDown, compression } = header;
  const isRle = compression === 'rle8' || compression === 'rle4';
  const rowBytes = isRle ? width : Math.ceil((width * header.bits) / 32) * 4;
  // The last row's padding may be missing.
  const needed = rowBytes * (height - 1) + Math.ceil((width * (isRle ? 8 : header.bits)) / 8);
  const stored = bytes.subarray(header.offset);
  if (!isRle && stored.length < needed)
    throw new Error(`the BMP is cut off: ${stored.length} of ${needed} bytes of pixels are there`);
  const rows = isRle
    ? decodeRle(stored, { width, height, isRle4: compression === 'rle4' })
    : stored;
  const unpack = unpacker(isRle ? { ...header, bits: 8 } : header);
  const rgb = new Uint8Array(width * height * 3);
  let since = performance.now();
  for (let y = 0; y < height; y++) {
    const row = rows.subarray((isTopDown ? y : height - 1 - y) * rowBytes);
    unpack(row, rgb.subarray(y * width * 3, (y + 1) * width * 3));
    if (performance.now() - since < SLICE_MS) continue;
    await nextTurn();
    since = performance.now();
  }
  return rgb;
}

type Unpack = (row: Uint8Array, out: Uint8Array) => void;

function unpacker({ bits, palette, masks, compression }: BmpHeader): Unpack {
  if (bits <= 8) return (row, out) => unpackIndices(row, out, { bits, palette });
  if (compression === 'masks' || bits === 16)
    return (row, out) => unpackMasks(row, out, { bits, masks });
  const stride = bits / 8;
  return (row, out) => {
    for (let from = 0, to = 0; to < out.length; from += stride, to += 3) {
      out[to] = row[from + 2]!;
      out[to + 1] = row[from + 1]!;
      out[to + 2] = row[from]!;
    }
  };
}

function unpackIndices(
  row: Uint8Array,
  out: Uint8Array,
  { bits, palette }: Pick<BmpHeader, 'bits' | 'palette'>,
): void {
  const mask = (1 << bits) - 1;
  for (let x = 0, to = 0; to < out.length; x += bits, to += 3) {
    const index = (row[x >> 3]! >> (8 - bits - (x & 7))) & mask;
    out[to] = palette[index * 3]!;
    out[to + 1] = palette[index * 3 + 1]!;
    out[to + 2] = palette[index * 3 + 2]!;
  }
}

/** A channel of few bits is stretched to 255, rounded down as Pillow does. */
function unpackMasks(
  row: Uint8Array,
  out: Uint8Array,
  { bits, masks }: Pick<BmpHeader, 'bits' | 'masks'>,
): void {
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, max: mask >>> shift || 1 };
  });
  const stride = bits / 8;
  for (let from = 0, to = 0; to < out.length; from += stride) {
    let pixel = row[from]! | (row[from + 1]! << 8);
    if (bits > 16) pixel |= row[from + 2]! << 16;
    if (bits > 24) pixel |= row[from + 3]! << 24;
    for (const { mask, shift, max } of channels)
      out[to++] = Math.floor((((pixel & mask) >>> shift) * 255) / max);
  }
}
