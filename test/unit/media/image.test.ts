/** What openImage takes and refuses before it decodes: raw pixels, sizes, hashes, aborts. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ImageSource, openImage } from '../../../src/media/image.js';
import { decode, HEIGHT, options, picture, rgb, WIDTH } from '../../support/noise-picture.js';

describe('raw pixels', () => {
  const source = { width: WIDTH, height: HEIGHT, data: rgb };

  it.each([
    ['Uint8Array', rgb],
    ['Buffer', Buffer.from(rgb)],
    ['Uint8ClampedArray', Uint8ClampedArray.from(rgb)],
    ['a view', new Uint8Array([0, 0, 0, ...rgb]).subarray(3)],
  ])('%s', async (_, data) => {
    expect([...(await decode({ ...source, data })).data]).toEqual([...rgb]);
  });

  it.each([
    ['image.width', { ...source, width: 0 }],
    ['image.height', { ...source, height: -1 }],
    ['image.width', { ...source, width: 1.5 }],
    ['image.height', { ...source, height: Number.NaN }],
    ['image.data', { ...source, data: [...rgb] }],
    ['image.data', { ...source, data: new Float32Array(rgb) }],
    ['image.data.length', { ...source, data: rgb.subarray(1) }],
    ['image', 5],
    ['image', null],
    ['image', {}],
    ['image', ''],
  ])('refuses a wrong %s', async (argument, wrong) => {
    await expect(openImage(wrong as ImageSource, options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });
});

describe('the pixel cap', () => {
  it('is checked before decoding, with the numbers', async () => {
    const png = await picture().png().toBuffer();
    const small = { ...options, maxPixels: WIDTH * HEIGHT - 1 };
    for (const source of [png, { width: WIDTH, height: HEIGHT, data: rgb }])
      await expect(openImage(source, small)).rejects.toMatchObject({
        code: 'ERR_IMAGE_DECODE',
        message: expect.stringMatching(/48×32 = 1536 pixels.* 1535 .*maxPixels/),
      });
    await expect(openImage(png, { ...options, maxPixels: WIDTH * HEIGHT })).resolves.toBeDefined();
  });

  it('stops a small file that announces a huge picture', async () => {
    const png = await picture().png().toBuffer();
    png.writeUInt32BE(20_000, 16);
    png.writeUInt32BE(20_000, 20);
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
    await expect(openImage(png, options)).rejects.toThrow('400000000 pixels');
  });

  it('must be a positive number', async () => {
    await expect(
      openImage({ width: WIDTH, height: HEIGHT, data: rgb }, { ...options, maxPixels: 0 }),
    ).rejects.toMatchObject({ argument: 'maxPixels' });
  });

  it('refuses a line too long to be padded', async () => {
    const data = new Uint8Array(1_000_001 * 3);
    await expect(openImage({ width: 1, height: 1_000_001, data }, options)).rejects.toThrow(
      'no side may be longer',
    );
  });
});

describe('hash', () => {
  const hash = async (source: ImageSource, autoOrient = true) =>
    (await openImage(source, { ...options, autoOrient })).hash;

  it('is that of the content and of what changes the pixels', async () => {
    const png = await picture().png().toBuffer();
    const pixelsOf = (width: number, height: number) => ({ width, height, data: rgb });
    const hashes = await Promise.all([
      hash(png),
      hash(png, false),
      hash(pixelsOf(WIDTH, HEIGHT)),
      hash(pixelsOf(HEIGHT, WIDTH)),
    ]);
    expect(new Set(hashes).size).toBe(4);
    expect(await hash(Buffer.from(png))).toBe(hashes[0]);
    expect(await hash(pixelsOf(WIDTH, HEIGHT), false)).toBe(hashes[2]);
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('aborting', () => {
  it('rejects with the reason before opening and before decoding', async () => {
    const controller = new AbortController();
    const png = await picture().png().toBuffer();
    const image = await openImage(png, { ...options, signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(image.decode()).rejects.toBe(reason);
    await expect(openImage(png, { ...options, signal: controller.signal })).rejects.toBe(reason);
  });
});
