// Which way up: EXIF as text in a PNG, and XMP, count where there is no EXIF; and none where autoOrient is off.
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MAX_PIXELS, openImage } from '../../../src/media/image.js';
import { openVideo } from '../../../src/media/video.js';

/** Red above green above blue, one pixel wide. */
const rgb = Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255]);
const flag = () => sharp(rgb, { raw: { width: 1, height: 3, channels: 3 } });
const upright = [...rgb];
/** Turned clockwise: blue, green, red. */
const turned = [0, 0, 255, 0, 255, 0, 255, 0, 0];
let png: Buffer;

beforeAll(async () => {
  png = await flag().png().toBuffer();
});

async function decode(bytes: Uint8Array, autoOrient = true) {
  const opened = await openImage(bytes, { maxPixels: DEFAULT_MAX_PIXELS, autoOrient });
  const { width, height, data } = await opened.decode();
  expect([opened.width, opened.height]).toEqual([width, height]);
  return { width, height, data: [...data] };
}

function withChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, 'latin1');
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  const afterHeader = 33;
  return Buffer.concat([png.subarray(0, afterHeader), chunk, png.subarray(afterHeader)]);
}

function exif(orientation: number, isLittle: boolean): Buffer {
  const entry = isLittle
    ? `II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0${String.fromCharCode(orientation)}\0\0\0`
    : `MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0${String.fromCharCode(orientation)}\0\0`;
  return Buffer.from(`Exif\0\0${entry}\0\0\0\0`, 'latin1');
}

function profile(bytes: Buffer): string {
  const lines = bytes.toString('hex').replace(/.{16}/g, '$&\n');
  return `\nexif\n${String(bytes.length).padStart(8)}\n${lines}\n`;
}

const KEYWORD = 'Raw profile type exif\0';
const xmp = (orientation: number | string) =>
  '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description ' +
  `tiff:Orientation="${orientation}"/></rdf:RDF></x:xmpmeta>`;
const xmpElement =
  '<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>6</tiff:Orientation></x:xmpmeta>';
const xmpChunk = (text: string) => Buffer.from(`XML:com.adobe.xmp\0\0\0\0\0${text}`);

describe('a picture is turned as is said', () => {
  it.each<[string, () => Buffer | Promise<Buffer>]>([
    [
      'by the text of a PNG',
      () => withChunk('tEXt', Buffer.from(KEYWORD + profile(exif(6, false)))),
    ],
    [
      'by its compressed text, little-endian',
      () =>
        withChunk(
          'zTXt',
          Buffer.concat([Buffer.from(`${KEYWORD}\0`), deflateSync(profile(exif(6, true)))]),
        ),
    ],
    ['by the XMP of a PNG', () => withChunk('iTXt', xmpChunk(xmp(6)))],
    ['by an element of XMP', () => withChunk('iTXt', xmpChunk(xmpElement))],
    ['by the XMP of a WebP', () => flag().webp({ lossless: true }).withXmp(xmp(6)).toBuffer()],
  ])('%s', async (_, make) => {
    const bytes = await make();
    expect(await decode(bytes)).toEqual({ width: 3, height: 1, data: turned });
    expect(await decode(bytes, false)).toEqual({ width: 1, height: 3, data: upright });
  });

  it('by EXIF rather than XMP', async () => {
    const both = await flag()
      .webp({ lossless: true })
      .withMetadata({ orientation: 1 })
      .withXmp(xmp(6))
      .toBuffer();
    expect((await decode(both)).data).toEqual(upright);
  });

  it.each([
    ['is nonsense', () => withChunk('iTXt', xmpChunk(xmp(9)))],
    [
      'is cut off',
      () => withChunk('tEXt', Buffer.from(KEYWORD + profile(exif(6, true).subarray(0, 12)))),
    ],
    ['is no text', () => withChunk('tEXt', Buffer.from(`${KEYWORD}x`))],
  ])('not by what %s', async (_, bytes) => {
    expect((await decode(bytes())).data).toEqual(upright);
  });
});

it('frames given as pictures follow autoOrient', async () => {
  const frame = withChunk('iTXt', xmpChunk(xmp(6)));
  for (const [options, width] of [
    [{}, 3],
    [{ autoOrient: true }, 3],
    [{ autoOrient: false }, 1],
  ] as const) {
    await using video = await openVideo([frame], options);
    expect(video.width).toBe(width);
  }
});
