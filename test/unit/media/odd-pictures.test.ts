// What real pictures broke: transparent GIFs, JPEGs with many stray bytes, TIFFs cut off or of rare types.
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { DEFAULT_MAX_PIXELS, openImage } from '../../../src/media/image.js';
import { tiff } from '../../support/tiff.js';

const options = { maxPixels: DEFAULT_MAX_PIXELS, autoOrient: true };
const picture = (name: string) =>
  readFileSync(new URL(`../../golden/pictures/${name}`, import.meta.url));

async function decode(bytes: Uint8Array): Promise<Uint8Array> {
  return (await (await openImage(bytes, options)).decode()).data;
}

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe("a GIF's transparent pixels have the palette's colour, as in Pillow", () => {
  it('in a real one', async () => {
    const expected = await sharp(picture('transparent-disc-expected.png'))
      .removeAlpha()
      .raw()
      .toBuffer();
    expect(isSame(await decode(picture('transparent-disc.gif')), expected)).toBe(true);
  });

  const red = [200, 10, 20];
  const green = [30, 220, 40];
  const globalPalette = [...red, ...green, 1, 2, 3, 4, 5, 6];
  const control = (transparent: number) => [0x21, 0xf9, 4, 1, 0, 0, transparent, 0];
  const comment = [0x21, 0xfe, 2, 0x2c, 0x2c, 0];
  /** A frame of pixels 1, 2: LZW codes clear, 1, 2, end, of 3 bits. */
  const frame = (left: number, palette: number[] = []) => [
    ...[0x2c, left, 0, 0, 0, 2, 0, 1, 0, palette.length > 0 ? 0x81 : 0, ...palette],
    ...[2, 2, 0b10_001_100, 0b0000_101_0, 0],
  ];
  const gif = (...blocks: number[][]) =>
    Buffer.from([
      ...Buffer.from('GIF89a', 'latin1'),
      ...[4, 0, 1, 0, 0x81, 0, 0, ...globalPalette],
      ...blocks.flat(),
      0x3b,
    ]);

  it.each<[string, Buffer, number[]]>([
    ['the global palette', gif(control(1), frame(0)), [...green, 1, 2, 3, ...green, ...green]],
    [
      "the frame's own palette",
      gif(comment, control(2), frame(0, [9, 9, 9, 8, 8, 8, 7, 6, 5, 4, 4, 4])),
      [8, 8, 8, 7, 6, 5, 7, 6, 5, 7, 6, 5],
    ],
    [
      'nothing transparent: the first colour outside the frame',
      gif(comment, frame(1)),
      [...red, ...green, 1, 2, 3, ...red],
    ],
    [
      'beyond the palette: grey',
      gif(control(99), frame(2)),
      [99, 99, 99, 99, 99, 99, ...green, 1, 2, 3],
    ],
    [
      'the first frame counts',
      gif(control(0), frame(0), control(1), frame(2)),
      [...green, 1, 2, 3, ...red, ...red],
    ],
  ])('%s', async (_, bytes, expected) => {
    expect([...(await decode(bytes))]).toEqual(expected);
  });
});

describe('a JPEG', () => {
  it('with stray bytes before 100 and more markers is whole', async () => {
    const plain = await decode(picture('restart-plain.jpg'));
    expect(isSame(await decode(picture('restart-junk.jpg')), plain)).toBe(true);
  });

  it('that is cut off is refused still', async () => {
    const cut = picture('restart-junk.jpg').subarray(0, 20_000);
    await expect(decode(cut)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' });
  });
});

describe('a TIFF', () => {
  const shape = { width: 60, height: 40, bits: 8, channels: 3, photometric: 2 };
  const tiles = Array.from({ length: 12 }, (_, i) => new Uint8Array(16 * 16 * 3).fill(20 * i + 9));
  const strip = [new Uint8Array(60 * 40 * 3).fill(77)];

  it('in tiles is read, and refused when some are missing', async () => {
    const whole = tiff({ ...shape, tile: 16, parts: tiles });
    const pixels = await decode(whole);
    expect([pixels[0], pixels[16 * 3], pixels.at(-1)]).toEqual([9, 29, 229]);
    for (const length of [whole.length >> 1, whole.length - 5])
      await expect(decode(whole.subarray(0, length))).rejects.toMatchObject({
        code: 'ERR_IMAGE_DECODE',
      });
  });

  it('in tiles of no known length is refused, not guessed at', async () => {
    const odd = tiff({ ...shape, tile: 16, parts: tiles, lacksLengths: true });
    await expect(decode(odd)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' });
  });

  it('that is merely odd is read, and refused when it is cut off as well', async () => {
    const odd = tiff({ ...shape, parts: strip, lacksLengths: true });
    await expect(sharp(odd, { failOn: 'warning' }).raw().toBuffer()).rejects.toThrow(/Warning/);
    expect(new Set(await decode(odd))).toEqual(new Set([77]));
    await expect(decode(odd.subarray(0, odd.length >> 1))).rejects.toMatchObject({
      code: 'ERR_IMAGE_DECODE',
    });
  });

  it('of 16-bit CMYK has the high bytes of its inks', async () => {
    const inks = Uint16Array.from([0x1234, 0x5678, 0x0001, 0x20ff, 0xffff, 0, 0x8000, 0x00ff]);
    const bytes = tiff({
      ...{ width: 2, height: 1, bits: 16, channels: 4, photometric: 5 },
      parts: [new Uint8Array(inks.buffer)],
    });
    const blend = (ink: number, key: number) => 255 - key - Math.round((ink * (255 - key)) / 255);
    expect([...(await decode(bytes))]).toEqual([
      ...[0x12, 0x56, 0].map((ink) => blend(ink, 0x20)),
      ...[0xff, 0, 0x80].map((ink) => blend(ink, 0)),
    ]);
  });

  it.each([
    [1, 1],
    [3, 2],
  ])('of signed bytes in %i channels is refused', async (channels, photometric) => {
    const parts = [new Uint8Array(4 * channels).fill(200)];
    const image = { width: 4, height: 1, bits: 8, channels, photometric, sampleFormat: 2, parts };
    await expect(decode(tiff(image))).rejects.toThrow(/pixels of type char are not read/);
  });
});

describe('what is no picture is named, with what would be one', () => {
  const iso = (brand: string) => `\0\0\0\x18ftyp${brand}\0\0\0\0`;
  it.each([
    ['HTML', '<!DOCTYPE html><html><body>404</body></html>'],
    ['SVG', '<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['JSON', '{"error": "no such picture"}'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'],
    ['HEIC', iso('heic')],
    ['MP4', iso('isom')],
    ['WebM', '\x1a\x45\xdf\xa3\0\0\0\0'],
    ['JPEG XL', '\xff\x0a\xfa\x7f'],
    ['PDF', '%PDF-1.7\n'],
    ['ZIP', 'PK\x03\x04\0\0'],
    ['text', 'hello, world'],
    ['of an unknown format', '\x01\x02\x03\x04\x05'],
  ])('%s', async (name, text) => {
    const error = await openImage(Buffer.from(text, 'latin1'), options).catch((reason) => reason);
    expect(error.code).toBe('ERR_IMAGE_DECODE');
    expect(error.message).toContain(`it is ${name}`);
    expect(error.message).toMatch(/; expected JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP$/);
  });
});
