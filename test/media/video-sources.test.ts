/** Where a clip may come from, and what is said about one that cannot be read. */
import { createHash } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openVideo, type VideoOptions, type VideoSource } from '../../src/media/video.js';
import { skipUnless } from '../support/skip-unless.js';
import { clipFolder, ffmpeg, hasFfmpeg, makeClip, packets, readNumber } from './drawn-clip.js';

const X264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 30';
const folder = clipFolder();
let clip: string;
let server: Server;
let site: string;

beforeAll(async () => {
  if (!hasFfmpeg) return;
  clip = await makeClip(folder.file('clip.mp4'), X264, { frames: 120 });
  server = createServer((request, response) => {
    if (request.url?.startsWith('/clip.mp4')) response.end(readFileSync(clip));
    else if (request.url === '/nothing') response.end();
    else if (request.url === '/page') response.end('<html><body>Please log in</body></html>');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server?.close();
  folder.remove();
});

async function numberOf(source: VideoSource, index: number): Promise<number> {
  await using video = await openVideo(source);
  for await (const frame of video.frames([index])) return readNumber(frame);
  throw new Error('no frame');
}

function transferred(): Uint8Array {
  const bytes = readFileSync(clip);
  const own = new Uint8Array(bytes);
  structuredClone(own, { transfer: [own.buffer] });
  return own;
}

function refusal(source: VideoSource, options?: VideoOptions) {
  return openVideo(source, options).then(
    () => expect.unreachable('it opened'),
    (error) => error,
  );
}

describe('A clip is read from', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => {
  it.each<[string, () => VideoSource]>([
    ['a path', () => clip],
    ['a path relative to the working directory', () => relativeTo(clip)],
    ['a file: URL', () => pathToFileURL(clip)],
    ['a file: URL as text', () => pathToFileURL(clip).href],
    ['a download', () => `${site}/clip.mp4`],
    ['a data: URL', () => `data:video/mp4;base64,${readFileSync(clip, 'base64')}`],
    ['a data: URL of base64url', () => `data:;base64,${readFileSync(clip, 'base64url')}`],
    ['an address with spaces around it', () => ` ${site}/clip.mp4\n`],
    ['bytes whose index comes last', () => readFileSync(clip)],
  ])('%s', async (_, source) => {
    expect(await numberOf(source(), 77)).toBe(77);
  });

  it('a path that looks like an option or an address', async () => {
    const odd = folder.file("-i http:%03d, a,b;[c] 'd'.mp4");
    writeFileSync(odd, readFileSync(clip));
    expect(await numberOf(odd, 119)).toBe(119);
  });

  it('anywhere with the same hash, that of its bytes', async () => {
    const bytes = readFileSync(clip);
    const hash = createHash('sha256').update('video\n').update(bytes).digest('hex');
    for (const source of [clip, bytes, `${site}/clip.mp4`]) {
      await using video = await openVideo(source);
      expect(video.hash).toBe(hash);
    }
  });
});

function relativeTo(path: string): string {
  return `${'../'.repeat(process.cwd().split('/').length - 1)}${path.slice(1)}`;
}

describe('What cannot be read is told:', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => {
  it.each<[string, () => VideoSource, RegExp]>([
    ['a missing file', () => folder.file('missing.mp4'), /missing\.mp4: no such file$/],
    ['a folder', () => folder.file(''), /it is not a regular file$/],
    ['no bytes', () => new Uint8Array(0), /bytes \(0\): it is empty$/],
    ['transferred bytes', transferred, /bytes \(0\): its memory was transferred away$/],
    ['a download of nothing', () => `${site}/nothing`, /nothing: it is empty$/],
    ['a page', () => `${site}/page`, /it is HTML, and no frame of it decodes \(ffmpeg: /],
    [
      'bytes that are no video',
      () => new Uint8Array(5000).fill(65),
      /it is text, and no frame of it decodes \(ffmpeg: /,
    ],
    [
      'an answer of the server',
      () => `${site}/other.mp4?key=secret`,
      /other\.mp4: the server answered 404 Not Found$/,
    ],
    [
      'a server that is away',
      () => 'http://127.0.0.1:9/a.mp4',
      /127\.0\.0\.1:9\/a\.mp4: .*(ECONNREFUSED|bad port)/,
    ],
    [
      'another protocol',
      () => new URL('ftp://host/a.mp4'),
      /only http:, https:, file: and data: URLs/,
    ],
  ])('%s', async (_, source, message) => {
    const error = await refusal(source());
    expect(error).toMatchObject({ code: 'ERR_VIDEO_DECODE', source: expect.any(String) });
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/secret|llava-onevision-/);
  });

  it('an animated picture that ffmpeg cannot read', async () => {
    const frames = sharp(Buffer.alloc(8 * 16 * 3), {
      raw: { width: 8, height: 16, channels: 3, pageHeight: 8 },
    });
    const error = await refusal(await frames.webp({ loop: 0, delay: [9, 9] }).toBuffer());
    expect(error.message).toMatch(
      /it is WebP, a picture, .* as an array of pictures, or a video file/,
    );
  });

  it('a file with sound only', async () => {
    const path = folder.file('sound.m4a');
    ffmpeg(`-f lavfi -i sine=d=1 ${path}`);
    const error = await refusal(path);
    expect(error.code).toBe('ERR_VIDEO_DECODE');
    expect(error.message).toMatch(/sound\.m4a: it has no video stream/);
  });

  it('a song with a cover picture', async () => {
    const [cover, path] = [folder.file('cover.png'), folder.file('song.m4a')];
    ffmpeg(`-f lavfi -i color=red:s=64x64 -frames:v 1 ${cover}`);
    ffmpeg(
      `-f lavfi -i sine=d=1 -i ${cover} -map 0 -map 1 -c:v copy -disposition:v attached_pic ${path}`,
    );
    expect((await refusal(path)).message).toMatch(/it has no video stream/);
  });

  it('an MP4 cut off before its index', async () => {
    const path = folder.file('headless.mp4');
    writeFileSync(path, readFileSync(clip));
    truncateSync(path, 8000);
    const error = await refusal(path);
    expect(error.message).toMatch(/no frame of it decodes \(ffmpeg: .*moov atom not found/);
    expect(error.stderr).toContain('moov atom not found');
  });

  it('a film without frames', async () => {
    const path = folder.file('none.mkv');
    ffmpeg(`-f lavfi -i color=red:s=64x64 -t 0 -c:v libx264 ${path}`);
    expect(await refusal(path)).toMatchObject({ code: 'ERR_VIDEO_DECODE' });
  });

  it('frames larger than allowed', async () => {
    const error = await refusal(clip, { maxFramePixels: 96 * 72 - 1 });
    expect(error.code).toBe('ERR_VIDEO_DECODE');
    expect(error.message).toMatch(/96×72 = 6912 pixels, more than the 6911 allowed/);
    await using allowed = await openVideo(clip, { maxFramePixels: 96 * 72 });
    expect(allowed.width).toBe(96);
  });

  it.each([
    ['list.m3u8', '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nCLIP\n#EXT-X-ENDLIST\n'],
    ['list.txt', "ffconcat version 1.0\nfile 'clip.mp4'\n"],
  ])('a playlist, %s, which would read other files', async (name, text) => {
    const path = folder.file(name);
    writeFileSync(path, text.replace('CLIP', clip));
    const error = await refusal(path);
    expect(error.code).toBe('ERR_VIDEO_DECODE');
    expect(error.message).toMatch(/not on whitelist/);
  });
});

describe('A damaged clip', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => {
  it.each(['faststart.mp4', 'cut.mkv', 'cut.ts', 'cut.webm'])(
    'counts what still decodes: %s',
    async (name) => {
      const encoding = name.endsWith('webm')
        ? '-c:v libvpx-vp9 -g 30 -cpu-used 8 -deadline realtime'
        : X264;
      const options = name.endsWith('mp4') ? `${encoding} -movflags +faststart` : encoding;
      const path = await makeClip(folder.file(name), options, { frames: 240 });
      const size = readFileSync(path).length;
      truncateSync(path, Math.floor(size * 0.7));
      await using video = await openVideo(path);
      expect(video.nFrames).toBeGreaterThan(60);
      expect(video.nFrames).toBeLessThan(235);
      const numbers: number[] = [];
      // The very last may be half a picture.
      const whole = Array.from({ length: video.nFrames - 1 }, (_, index) => index);
      for await (const frame of video.frames(whole)) numbers.push(readNumber(frame));
      expect(numbers).toEqual(whole);
      let last = 0;
      for await (const _ of video.frames([video.nFrames - 1])) last++;
      expect(last).toBe(1);
    },
  );

  const zeroed = async (name: string, encoding: string) => {
    const path = await makeClip(folder.file(name), encoding, { frames: 240 });
    const bytes = readFileSync(path);
    for (const { pos, size } of packets(path).slice(180))
      bytes.fill(0, Number(pos), Number(pos) + Number(size));
    writeFileSync(path, bytes);
    return path;
  };

  it('counts what decodes where its packets are visibly broken', async () => {
    await using video = await openVideo(await zeroed('broken.mp4', X264));
    expect(video.nFrames).toBe(180);
  });

  it('repeats its last frame where packets promise frames that do not decode', async () => {
    await using video = await openVideo(await zeroed('hollow.mov', '-c:v mjpeg -q:v 3'));
    expect(video.nFrames).toBe(240);
    const numbers: number[] = [];
    for await (const frame of video.frames([0, 50, 200, 239])) numbers.push(readNumber(frame));
    expect(numbers).toEqual([0, 50, 179, 179]);
  });
});
