// Pictures that strangers send: what is none, what is too large, and what a decoder would say about it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImage } from '../../../../src/media/image.js';
import { dataUrl, fetched, refusal } from '../../../support/refused-media.js';
import { tiff } from '../../../support/tiff.js';

const root = mkdtempSync(join(tmpdir(), 'media-rules-'));
const mediaDir = join(root, 'media');
afterAll(() => rmSync(root, { recursive: true }));
const url = (path: string) => pathToFileURL(path).href;

const drawn = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'red' } });
let picture: Buffer;

beforeAll(async () => {
  picture = await drawn(8, 6).png().toBuffer();
  mkdirSync(join(mediaDir, 'sub'), { recursive: true });
  mkdirSync(`${mediaDir}-beside`);
  for (const path of ['media/in.png', 'media/sub/in.png', 'out.png', 'media-beside/out.png'])
    writeFileSync(join(root, path), picture);
  symlinkSync(join(root, 'out.png'), join(mediaDir, 'link.png'));
  symlinkSync(root, join(mediaDir, 'way'));
  symlinkSync(join(mediaDir, 'in.png'), join(mediaDir, 'inner.png'));
});

describe('11 file: URLs', () => {
  it.each(['in.png', 'sub/in.png', 'inner.png'])('11 %s is below the folder', async (path) => {
    expect(await fetched(url(join(mediaDir, path)), { mediaDir })).toEqual(picture);
  });

  it.each([
    ['..', () => `${url(mediaDir)}/../out.png`],
    ['escaped dots', () => `${url(mediaDir)}/%2e%2e/out.png`],
    ['escaped slashes', () => `${url(mediaDir)}/..%2fout.png`],
    ['a link', () => url(join(mediaDir, 'link.png'))],
    ['a link on the way', () => url(join(mediaDir, 'way/out.png'))],
    ['the folder beside it', () => url(join(root, 'media-beside/out.png'))],
    ['NUL', () => `${url(mediaDir)}/in.png%00`],
    ['the folder', () => url(mediaDir)],
    ['a folder in it', () => url(join(mediaDir, 'sub'))],
    ['nothing', () => url(join(mediaDir, 'none.png'))],
    ['another host', () => `file://host${join(mediaDir, 'in.png')}`],
    ['dots for a host', () => 'file://../etc/passwd'],
    ['a device', () => 'file:///dev/zero'],
    ['the process', () => 'file:///proc/self/environ'],
  ])('11 %s is not there', async (_name, make) => {
    expect(await refusal(make(), { mediaDir })).toMatch(/no such file in the media folder/);
  });

  it('11 are none without a folder', async () => {
    expect(await refusal(url(join(mediaDir, 'in.png')))).toMatch(/reads no file: URLs/);
  });

  it('11 larger than allowed', async () => {
    const rules = { mediaDir, maxBytes: picture.length - 1 };
    expect(await refusal(url(join(mediaDir, 'in.png')), rules)).toMatch(/bytes allowed/);
  });
});

it.each(['/etc/passwd', 'in.png', './in.png', 'C:\\in.png', '\\\\host\\in.png', '', 'ftp://a/b'])(
  '12 a bare path or another scheme as URL: %j',
  async (path) => {
    expect(await refusal(path, { mediaDir })).toMatch(/expected a data:, http: or https: URL/);
  },
);

describe('13 base64', () => {
  it('13 is read in its forms', async () => {
    const whole = dataUrl(picture);
    for (const one of [
      whole,
      whole.replace('image/png', 'image/png;charset=x'),
      whole.replace('image/png', ''),
      whole.replace('image/png', 'image/jpeg'), // it is the bytes that count
      whole.replace('data:', 'DATA:').replace('base64', 'BASE64'),
      whole.replaceAll('+', '-').replaceAll('/', '_').replace('image_', 'image/'),
      whole.replaceAll('+', '%2B').replaceAll('=', '%3d'),
      whole.replace(/(.{76})/g, '$1\r\n').replace(/^(.*?)\r\n/, '$1'),
      whole.replace(/=+$/, ''),
    ])
      expect(Buffer.compare(await fetched(one), picture), one.slice(0, 60)).toBe(0);
  });

  it.each([
    ['data:image/png;base64,@@@@', /not valid base64/],
    ['data:image/png;base64,AAAAA', /not valid base64/],
    ['data:image/png;base64,iVBO=iVBO', /not valid base64/],
    ['data:image/png;base64,iVBOR%00', /not valid base64/],
    ['data:video/jpeg;base64,AAAA,AAAA', /not valid base64/],
    ['data:image/png;base64,', /empty/],
    ['data:image/png,abc', /not base64/],
    ['data:image/png;base64', /no comma/],
    ['data:', /no comma/],
    [`data:image/png;${'x'.repeat(300)};base64,AAAA`, /no comma/],
    ['data:text/html;base64,AAAA', /says that it is no image/],
  ])('13 %j is refused', async (given, reason) => {
    expect(await refusal(given)).toMatch(reason);
  });

  it('13 of too many bytes is not even read', async () => {
    const rules = { maxBytes: 1000 };
    expect(await refusal(`data:;base64,${'@'.repeat(4000)}`, rules)).toMatch(/than the 1000 bytes/);
  });
});

/** A PNG whose header claims a size. */
function claiming(width: number, height: number): Buffer {
  const bytes = Buffer.from(picture);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

describe('14 pixels', () => {
  it('14 a bomb is refused by its header', async () => {
    const bomb = await drawn(1500, 1500).png({ compressionLevel: 9 }).toBuffer();
    expect(bomb.length).toBeLessThan(1e5);
    const rules = { maxPixels: 1e6 };
    expect(await refusal(dataUrl(bomb), rules)).toMatch(
      /1500×1500 pixels are more than the 1000000/,
    );
    expect(await refusal(dataUrl(claiming(65_000, 65_000)))).toMatch(/65000×65000 pixels/);
  });

  it('14 a line is no picture either', async () => {
    expect(await refusal(dataUrl(claiming(2_000_000, 1)))).toMatch(/2000000×1 pixels/);
  });
});

it('15 1x1 is a picture', async () => {
  const bytes = await fetched(dataUrl(await drawn(1, 1).png().toBuffer()));
  expect(await openImage(bytes, { maxPixels: 10, autoOrient: true })).toMatchObject({ width: 1 });
});

describe('16 animated GIFs and TIFFs', () => {
  it('16 of a thousand frames the first is looked at', async () => {
    const frames = Buffer.alloc(1000 * 4 * 4 * 3).map((_, i) => i);
    const raw = { width: 4, height: 4000, channels: 3, pageHeight: 4 } as const;
    const gif = await sharp(frames, { raw }).gif().toBuffer();
    const opened = await openImage(await fetched(dataUrl(gif)), {
      maxPixels: 16,
      autoOrient: true,
    });
    expect((await opened.decode()).data).toHaveLength(4 * 4 * 3);
  });

  it('16 that claim 30000×30000', async () => {
    const gif = Buffer.from(await drawn(2, 2).gif().toBuffer());
    const frame = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 2, 0, 2, 0]));
    for (const at of [6, 8, frame + 5, frame + 7]) gif.writeUInt16LE(30_000, at);
    expect(await refusal(dataUrl(gif))).toMatch(/30000×30000 pixels/);
  });

  it('16 whose pixels are not there', async () => {
    const size = { width: 50_000, height: 50_000 };
    const form = { bits: 8, channels: 3, photometric: 2 };
    const bomb = tiff({ ...size, ...form, parts: [Buffer.alloc(10)] });
    expect(await refusal(dataUrl(bomb))).toMatch(/50000×50000 pixels/);
  });
});

describe('17 programs in the dress of pictures', () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>';
  it.each([
    ['SVG', svg],
    [
      'SVG behind XML',
      `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///x">]>${svg}`,
    ],
    ['SVG in UTF-16', Buffer.from(`\ufeff${svg}`, 'utf16le')],
    ['HTML', '<html><img src=x></html>'],
    ['PDF', '%PDF-1.7\n'],
    ['PostScript', '%!PS-Adobe'],
    ['an ImageMagick script', 'push graphic-context\nviewbox 0 0 1 1\n'],
    ['a ZIP', 'PK\x03\x04'],
    ['JPEG 2000', '\0\0\0\x0cjP  \r\n\x87\n'],
    ['a playlist', '#EXTM3U\nhttp://10.0.0.1/\n'],
    ['noise', Buffer.from([1, 2, 3, 250, 251])],
  ])('17 %s is not decoded', async (_name, content) => {
    expect(await refusal(dataUrl(Buffer.from(content)))).toMatch(/^Cannot use the image: it is /);
  });

  it('17 a picture that is also a page stays a picture', async () => {
    const polyglot = Buffer.concat([picture, Buffer.from('<script>alert(1)</script>')]);
    const opened = await openImage(await fetched(dataUrl(polyglot)), {
      maxPixels: 99,
      autoOrient: true,
    });
    expect((await opened.decode()).data).toHaveLength(8 * 6 * 3);
  });
});

it('22 a damaged header is told in our words', async () => {
  for (const cut of [20, 30, 40])
    expect(await refusal(dataUrl(picture.subarray(0, cut)))).toMatch(
      /begins as PNG, but its header cannot be read|pixels/,
    );
});

it('22 a damaged body is told without addresses', async () => {
  const broken = await fetched(dataUrl(picture.subarray(0, -20)));
  const image = await openImage(broken, { maxPixels: 99, autoOrient: true });
  await expect(image.decode()).rejects.toThrow(expect.not.stringMatching(/0x[0-9a-f]{4}/));
});
