/**
 * What a GIF says of its first frame: where it is, and the palette's colour for all that it does not show. Pillow's RGB has
 * that colour there; sharp has black.
 */

export interface GifFrame {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Colour of transparent pixels and of those outside the frame. */
  hidden: readonly [red: number, green: number, blue: number];
}

const NOTHING: GifFrame = { left: 0, top: 0, width: 0, height: 0, hidden: [0, 0, 0] };

/** @param bytes of a GIF that decodes */
export function firstGifFrame(bytes: Uint8Array): GifFrame {
  const globalEnd = 13 + paletteBytes(bytes[10]!);
  let transparent = 0;
  for (let at = globalEnd; at < bytes.length; ) {
    if (bytes[at] === 0x2c) {
      const local = paletteBytes(bytes[at + 9]!);
      const palette =
        local > 0 ? bytes.subarray(at + 10, at + 10 + local) : bytes.subarray(13, globalEnd);
      const [left, top, width, height] = [1, 3, 5, 7].map((offset) => shortAt(bytes, at + offset));
      const hidden = colourAt(palette, transparent);
      return { left: left!, top: top!, width: width!, height: height!, hidden };
    }
    if (bytes[at] !== 0x21) {
      at++; // strays between blocks, as decoders do
      continue;
    }
    if (bytes[at + 1] === 0xf9) transparent = bytes[at + 3]! & 1 ? bytes[at + 6]! : 0;
    at += 2;
    while (bytes[at]) at += bytes[at]! + 1;
    at++;
  }
  return NOTHING;
}

/** RGBA pixels [size.height, size.width, 4] of the first frame, as sharp decodes it, to RGB. */
export function fillHidden(rgba: Uint8Array, width: number, frame: GifFrame): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let pixel = 0; pixel * 4 < rgba.length; pixel++) {
    const x = (pixel % width) - frame.left;
    const y = Math.floor(pixel / width) - frame.top;
    const isInside = x >= 0 && x < frame.width && y >= 0 && y < frame.height;
    const isShown = isInside && rgba[pixel * 4 + 3] !== 0;
    for (let channel = 0; channel < 3; channel++)
      rgb[pixel * 3 + channel] = isShown ? rgba[pixel * 4 + channel]! : frame.hidden[channel]!;
  }
  return rgb;
}

function shortAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

function paletteBytes(flags: number): number {
  return flags & 0x80 ? 3 * (2 << (flags & 7)) : 0;
}

/** Pillow's colours beyond the palette's end are greys. */
function colourAt(palette: Uint8Array, index: number): GifFrame['hidden'] {
  const [red = index, green = index, blue = index] = palette.subarray(index * 3, index * 3 + 3);
  return [red, green, blue];
}
