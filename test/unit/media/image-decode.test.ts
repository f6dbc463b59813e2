/** Decoding to the pixels that Pillow's convert('RGB') gives, for every format, depth and colour model. */
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { openImage } from '../../../src/media/image.js';
import {
  decode,
  HEIGHT,
  maxDifference,
  noise,
  options,
  picture,
  pixels,
  raw,
  rgb,
  WIDTH,
} from '../../support/noise-picture.js';

describe('formats', () => {
  it.each<[string, () => Sharp]>([
    ['PNG', () => picture().png()],
    ['WebP', () => picture().webp({ lossless: true })],
    ['TIFF', () => picture().tiff({ compression: 'lzw' })],
    ['AVIF', () => picture().avif({ lossless: true })],
  ])('%s without loss', async (_, encoder) => {
    expect(await pixels(encoder())).toEqual([...rgb]);
  });

  it('JPEG', async () => {
    const flat = Uint8Array.from({ length: rgb.length }, (_, i) => [200, 100, 50][i % 3]!);
    expect(
      maxDifference(await pixels(raw(flat, 3).jpeg({ quality: 95 })), flat),
    ).toBeLessThanOrEqual(2);
  });

  it('GIF, the first frame of an animation', async () => {
    const red = Uint8Array.from({ length: rgb.length * 2 }, (_, i) =>
      i % 3 === (i < rgb.length ? 0 : 2) ? 255 : 0,
    );
    const gif = await sharp(red, {
      raw: { width: WIDTH, height: HEIGHT * 2, channels: 3, pageHeight: HEIGHT },
    })
      .gif()
      .toBuffer();
    expect((await sharp(gif).metadata()).pages).toBe(2);
    expect([...(await decode(gif)).data]).toEqual([...red.subarray(0, rgb.length)]);
  });

  it.each([
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['text', Buffer.from('hello, world')],
    ['an empty file', Buffer.alloc(0)],
  ])('refuses %s', async (_, bytes) => {
    await expect(openImage(bytes, options)).rejects.toMatchObject({
      code: 'ERR_IMAGE_DECODE',
      source: `bytes (${bytes.length})`,
    });
  });
});

describe('colour models', () => {
  const grey = noise(WIDTH * HEIGHT, 2);
  const spread = (values: ArrayLike<number>) =>
    Array.from({ length: values.length * 3 }, (_, i) => values[Math.floor(i / 3)]!);
  const words = (length: number) =>
    Uint16Array.from(noise(length, 3), (value, i) => (value << 8) | ((i * 37) & 255));

  it('grey', async () => {
    expect(await pixels(raw(grey, 1).toColourspace('b-w').png())).toEqual(spread(grey));
  });

  it('grey of 16 bits keeps the high byte', async () => {
    const wide = words(WIDTH * HEIGHT);
    const png = await raw(wide, 1).toColourspace('grey16').png().toBuffer();
    expect(await sharp(png).metadata()).toMatchObject({ depth: 'ushort', channels: 1 });
    expect([...(await decode(png)).data]).toEqual(spread(wide.map((value) => value >> 8)));
  });

  it('colour of 16 bits keeps the high byte', async () => {
    const wide = words(rgb.length);
    const png = await raw(wide, 3).toColourspace('rgb16').png().toBuffer();
    expect(await sharp(png).metadata()).toMatchObject({ depth: 'ushort', channels: 3 });
    expect([...(await decode(png)).data]).toEqual([...wide.map((value) => value >> 8)]);
  });

  it('palette', async () => {
    const colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7];
    const few = Uint8Array.from(rgb, (_, i) => {
      const colour = rgb[i - (i % 3)]! & 3;
      return colours[colour * 3 + (i % 3)]!;
    });
    const png = await raw(few, 3).png({ palette: true, quality: 100, dither: 0 }).toBuffer();
    expect((await sharp(png).metadata()).isPalette).toBe(true);
    expect([...(await decode(png)).data]).toEqual([...few]);
  });

  it.each<[string, (image: Sharp) => Sharp]>([
    ['PNG', (image) => image.png()],
    ['WebP', (image) => image.webp({ lossless: true, exact: true })],
    ['TIFF', (image) => image.tiff({ compression: 'deflate' })],
  ])('alpha is dropped, not composited: %s', async (_, encode) => {
    const alpha = noise(WIDTH * HEIGHT, 4).map((value) => (value < 100 ? 0 : value));
    const rgba = Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) =>
      i % 4 === 3 ? alpha[i >> 2]! : rgb[(i >> 2) * 3 + (i % 4)]!,
    );
    expect(await pixels(encode(raw(rgba, 4)))).toEqual([...rgb]);
  });

  it('grey with alpha', async () => {
    const both = Uint8Array.from({ length: grey.length * 2 }, (_, i) =>
      i % 2 === 0 ? grey[i >> 1]! : i & 255,
    );
    expect(await pixels(raw(both, 2).toColourspace('b-w').png())).toEqual(spread(grey));
  });

  // Pillow: light = 255 - K; channel = light - round(ink * light / 255). No ink profile is involved.
  it('CMYK as Pillow converts it', async () => {
    const cmyk = noise(WIDTH * HEIGHT * 4, 5);
    const expected = Array.from({ length: rgb.length }, (_, i) => {
      const pixel = Math.floor(i / 3);
      const light = 255 - cmyk[pixel * 4 + 3]!;
      return light - Math.round((cmyk[pixel * 4 + (i % 3)]! * light) / 255);
    });
    expect([...(await decode(cmykTiff(cmyk))).data]).toEqual(expected);
  });

  it('CMYK in a JPEG, whose inks are stored inverted', async () => {
    const smooth = Uint8Array.from({ length: rgb.length }, (_, i) => ((i / 3) % WIDTH) * 4 + 30);
    const inks = () => raw(smooth, 3).toColourspace('cmyk');
    const jpeg = await inks().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    expect((await sharp(jpeg).metadata()).space).toBe('cmyk');
    const tiff = await pixels(inks().tiff({ compression: 'lzw' }));
    expect(maxDifference((await decode(jpeg)).data, tiff)).toBeLessThanOrEqual(8);
  });
});

describe('colour profiles are not applied', () => {
  it('PNG', async () => {
    const tagged = await picture().withIccProfile('p3').png().toBuffer();
    expect((await sharp(tagged).metadata()).icc).toBeDefined();
    const plain = await decode(withoutPngChunk(tagged, 'iCCP'));
    expect([...(await decode(tagged)).data]).toEqual([...plain.data]);
    const converted = await sharp(tagged).toColourspace('srgb').raw().toBuffer();
    expect(maxDifference(converted, plain.data)).toBeGreaterThan(10);
  });

  it('JPEG', async () => {
    const tagged = await picture().withIccProfile('p3').jpeg().toBuffer();
    const plain = await decode(withoutJpegProfile(tagged));
    expect([...(await decode(tagged)).data]).toEqual([...plain.data]);
    const converted = await sharp(tagged).toColourspace('srgb').raw().toBuffer();
    expect(maxDifference(converted, plain.data)).toBeGreaterThan(10);
  });
});

describe('EXIF orientation', () => {
  // Where the pixel at (x, y) of the upright picture is stored.
  const stored: Record<number, (x: number, y: number) => [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y) => [WIDTH - 1 - x, y],
    3: (x, y) => [WIDTH - 1 - x, HEIGHT - 1 - y],
    4: (x, y) => [x, HEIGHT - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, HEIGHT - 1 - x],
    7: (x, y) => [WIDTH - 1 - y, HEIGHT - 1 - x],
    8: (x, y) => [WIDTH - 1 - y, x],
  };

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i', async (orientation) => {
    const png = await picture().withMetadata({ orientation }).png().toBuffer();
    const upright = await decode(png);
    const isTurned = orientation >= 5;
    const [width, height] = isTurned ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
    expect([upright.width, upright.height]).toEqual([width, height]);
    const expected: number[] = [];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [column, row] = stored[orientation]!(x, y);
        const at = (row * WIDTH + column) * 3;
        expected.push(rgb[at]!, rgb[at + 1]!, rgb[at + 2]!);
      }
    expect([...upright.data]).toEqual(expected);
    expect([...(await decode(png, false)).data]).toEqual([...rgb]);
  });
});

describe('damage', () => {
  it.each<[string, () => Sharp]>([
    ['JPEG', () => picture().jpeg()],
    ['PNG', () => picture().png()],
    ['WebP', () => picture().webp()],
    ['GIF', () => picture().gif()],
    ['TIFF', () => picture().tiff({ compression: 'none' })],
    ['AVIF', () => picture().avif()],
  ])('a truncated %s is an error', async (_, encoder) => {
    const bytes = await encoder().toBuffer();
    await expect(decode(bytes.subarray(0, bytes.length >> 1))).rejects.toMatchObject({
      code: 'ERR_IMAGE_DECODE',
    });
  });

  it('a PNG with a wrong checksum is an error', async () => {
    const png = await picture().png().toBuffer();
    png[png.length >> 1]! ^= 0xff;
    await expect(decode(png)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' });
  });
});

function withoutPngChunk(png: Buffer, type: string): Buffer {
  const kept = [png.subarray(0, 8)];
  for (let at = 8; at < png.length; ) {
    const end = at + 12 + png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) !== type) kept.push(png.subarray(at, end));
    at = end;
  }
  const out = Buffer.concat(kept);
  expect(out.length).toBeLessThan(png.length);
  return out;
}

function withoutJpegProfile(jpeg: Buffer): Buffer {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  for (; jpeg[at + 1] !== 0xda; ) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] !== 0xe2) kept.push(jpeg.subarray(at, end));
    at = end;
  }
  const out = Buffer.concat([...kept, jpeg.subarray(at)]);
  expect(out.length).toBeLessThan(jpeg.length);
  return out;
}

/** Uncompressed, one strip: sharp takes four raw channels for RGB with alpha. @see TIFF 6.0 */
function cmykTiff(inks: Uint8Array): Buffer {
  const [short, long] = [3, 4];
  const pixelsAt = 8;
  const bitsAt = pixelsAt + inks.length;
  const fields: [tag: number, type: number, count: number, value: number][] = [
    [256, short, 1, WIDTH],
    [257, short, 1, HEIGHT],
    [258, short, 4, bitsAt],
    [259, short, 1, 1],
    [262, short, 1, 5],
    [273, long, 1, pixelsAt],
    [277, short, 1, 4],
    [278, short, 1, HEIGHT],
    [279, long, 1, inks.length],
  ];
  const head = Buffer.from('II*\0\0\0\0\0', 'latin1');
  head.writeUInt32LE(bitsAt + 8, 4);
  const directory = Buffer.alloc(2 + fields.length * 12 + 4);
  directory.writeUInt16LE(fields.length, 0);
  fields.forEach(([tag, type, count, value], i) => {
    const at = 2 + i * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    directory.writeUInt32LE(value, at + 8);
  });
  return Buffer.concat([head, inks, Buffer.from([8, 0, 8, 0, 8, 0, 8, 0]), directory]);
}
