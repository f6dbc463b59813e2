// BMP, which sharp does not read: Pillow's pixels for every kind, and damage told.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULT_MAX_PIXELS, openImage } from '../../../src/media/image.js';

interface Golden {
  name: string;
  file: string;
  size: [number, number];
  sha256: string;
}

const golden = JSON.parse(
  readFileSync(new URL('../../golden/bmp.json', import.meta.url), 'utf8'),
) as Golden[];
const options = { maxPixels: DEFAULT_MAX_PIXELS, autoOrient: true };
const named = (name: string) =>
  Buffer.from(golden.find((entry) => entry.name === name)!.file, 'base64');

async function decode(bytes: Uint8Array) {
  return (await openImage(bytes, options)).decode();
}

describe("a BMP has Pillow's pixels", () => {
  it.each(golden)('$name', async ({ file, size, sha256 }) => {
    const { width, height, data } = await decode(Buffer.from(file, 'base64'));
    expect([width, height]).toEqual(size);
    expect(createHash('sha256').update(data).digest('hex')).toBe(sha256);
  });
});

/** 4×3 with a palette of 256, whose colour i is (i, 255 - i, 7). */
function rle(compression: 1 | 2, pixels: number[]): Buffer {
  const nColours = compression === 1 ? 256 : 16;
  const head = Buffer.alloc(54 + nColours * 4);
  head.write('BM', 'latin1');
  head.writeUInt32LE(head.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(4, 18);
  head.writeInt32LE(3, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(compression === 1 ? 8 : 4, 28);
  head.writeUInt32LE(compression, 30);
  for (let i = 0; i < nColours; i++) head.set([7, 255 - i, i], 54 + i * 4);
  return Buffer.concat([head, Buffer.from(pixels)]);
}

/** Colour numbers, top row first. */
async function indices(bytes: Buffer): Promise<number[][]> {
  const { data } = await decode(bytes);
  return [0, 1, 2].map((y) => [0, 1, 2, 3].map((x) => data[(y * 4 + x) * 3]!));
}

describe('run lengths', () => {
  it('may end rows and the picture early, and leave out places: colour 0', async () => {
    const pixels = [2, 9, 0, 0, 0, 2, 1, 1, 1, 5, 0, 1]; // from the bottom; a step of (1, 1)
    expect(await indices(rle(1, pixels))).toEqual([
      [0, 5, 0, 0],
      [0, 0, 0, 0],
      [9, 9, 0, 0],
    ]);
  });

  it('of four bits may give an odd number of single pixels', async () => {
    const pixels = [0, 3, 0x12, 0x30, 1, 0x40, 0, 0, 4, 0x56, 0, 0, 4, 0x77, 0, 1];
    expect(await indices(rle(2, pixels))).toEqual([
      [7, 7, 7, 7],
      [5, 6, 5, 6],
      [1, 2, 3, 4],
    ]);
  });

  it('cannot leave the picture', async () => {
    const beyond = [0, 2, 255, 255, 9, 9, 0, 1];
    expect((await indices(rle(1, beyond))).flat()).toEqual(Array(12).fill(0));
  });
});

describe('damage is told', () => {
  it.each<[string, () => Buffer, RegExp]>([
    ['pixels missing', () => named('24 bits, header of 40').subarray(0, -10), /is cut off: \d+ of/],
    ['runs missing', () => rle(1, [4, 9, 0, 0]), /is cut off/],
    ['header missing', () => named('greys').subarray(0, 30), /header is cut off/],
    ['palette missing', () => named('greys').subarray(0, 90), /palette is cut off/],
    ['two letters', () => Buffer.from('BM'), /header is cut off/],
    ['a JPEG inside', () => patched(30, 4), /compression 4 is not read/],
    ['a header of 41', () => patched(14, 41), /header of 41 bytes is unknown/],
    ['no height', () => patched(22, 0), /13×0 pixels/],
  ])('%s', async (_, bytes, message) => {
    const error = await decode(bytes()).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_IMAGE_DECODE' });
    expect(error.message).toMatch(message);
  });

  it('a file that announces a huge picture is stopped', async () => {
    const huge = named('24 bits, header of 40');
    huge.writeInt32LE(2 ** 31 - 1, 18);
    huge.writeInt32LE(-(2 ** 31), 22);
    await expect(openImage(huge, options)).rejects.toThrow(/more than the 100000000 allowed/);
  });
});

function patched(at: number, value: number): Buffer {
  const bytes = named('24 bits, header of 40');
  bytes.writeInt32LE(value, at);
  return bytes;
}
