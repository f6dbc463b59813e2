/** Nothing is left behind: no process, no file, no memory, whichever way reading ends. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openVideo } from '../../src/media/video.js';
import { clipCopies } from '../support/clip-copies.js';
import { endlessFfmpeg } from '../support/endless-ffmpeg.js';
import { skipUnless } from '../support/skip-unless.js';
import { clipFolder, ffmpeg, hasFfmpeg, makeClip, runningTools } from './drawn-clip.js';

const folder = clipFolder();
const temporary = folder.file('temporary');
/** 1080p, 8 s: long enough to be interrupted. */
const film = folder.file('film.mp4');
/** The same in a container without index, so that opening it decodes it all. */
const tape = folder.file('film.ts');
const FILM_FRAMES = 240;
let small: Uint8Array;

beforeAll(async () => {
  if (!hasFfmpeg) return;
  mkdirSync(temporary);
  ffmpeg(`-f lavfi -i testsrc2=s=1920x1080:r=30:d=8 -c:v libx264 -preset ultrafast ${film}`);
  ffmpeg(`-i ${film} -c copy ${tape}`);
  small = readFileSync(
    await makeClip(folder.file('small.mp4'), '-c:v libx264 -g 30', { frames: 60 }),
  );
});
afterAll(folder.remove);
beforeEach(() => void vi.stubEnv('TMPDIR', temporary));
afterEach(() => void vi.unstubAllEnvs());

const until = async (isTrue: () => boolean) => {
  while (!isTrue()) await sleep(10);
};
const range = (length: number) => Array.from({ length }, (_, index) => index);

const isUnix = process.platform !== 'win32';
const onUnix = skipUnless(hasFfmpeg && isUnix, isUnix ? 'needs ffmpeg' : 'needs Unix');

describe('A clip leaves nothing behind', onUnix, () => {
  afterEach(() => {
    expect(runningTools()).toEqual([]);
    expect(clipCopies(temporary)).toEqual([]);
  });

  it('when the loop is left early', async () => {
    await using video = await openVideo(film);
    for await (const frame of video.frames(range(FILM_FRAMES))) {
      expect(frame.width).toBe(1920);
      expect(runningTools()).toHaveLength(1);
      break;
    }
    expect(runningTools()).toEqual([]);
  });

  it('when the loop throws', async () => {
    await using video = await openVideo(film);
    const reading = async () => {
      for await (const _ of video.frames(range(FILM_FRAMES))) throw new Error('mine');
    };
    await expect(reading()).rejects.toThrow('mine');
  });

  it.each<[string, () => boolean]>([
    ['has begun', () => true],
    ['copies its bytes', () => clipCopies(temporary).length > 0],
    ['counts its frames', () => runningTools().some((tool) => tool.includes('ffmpeg'))],
  ])('when opening %s and is aborted', async (_, isReached) => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const options = { signal: abort.signal, ffmpegPath: endlessFfmpeg(folder.file('endless')) };
    const opening = openVideo(readFileSync(tape), options);
    opening.catch(() => {});
    await until(isReached);
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  it('when reading is aborted', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const video = await openVideo(small, { signal: abort.signal });
    const reading = async () => {
      for await (const _ of video.frames(range(60))) abort.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
    await until(() => clipCopies(temporary).length === 0);
    await expect(video.frames([0]).next()).rejects.toBe(reason);
  });

  it('when an open clip is aborted while nobody reads', async () => {
    const abort = new AbortController();
    await openVideo(small, { signal: abort.signal });
    expect(clipCopies(temporary)).toHaveLength(1);
    abort.abort();
    await until(() => clipCopies(temporary).length === 0);
  });

  it('when it is closed during a reading, which then fails', async () => {
    const video = await openVideo(film);
    const reading = video.frames(range(FILM_FRAMES));
    await reading.next();
    await video[Symbol.asyncDispose]();
    const rest = async () => {
      for await (const _ of reading);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'ERR_DISPOSED', handle: 'video' });
    await expect(video.frames([0]).next()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await video[Symbol.asyncDispose]();
  });

  it('when bytes are no video', async () => {
    await expect(openVideo(new Uint8Array(1000))).rejects.toMatchObject({
      code: 'ERR_VIDEO_DECODE',
    });
  });

  it('with an aborted signal, which starts nothing', async () => {
    const signal = AbortSignal.abort(new Error('before'));
    await expect(openVideo(small, { signal })).rejects.toThrow('before');
  });
});

describe('While a clip is open', onUnix, () => {
  it('its bytes are in a file that others cannot open', async () => {
    await using _video = await openVideo(small);
    const [copy = ''] = clipCopies(temporary);
    if (process.platform === 'linux') return expect(copy).toMatch(/\(deleted\)$/);
    expect(statSync(join(temporary, copy)).mode & 0o777).toBe(0o700);
    expect(statSync(join(temporary, copy, 'clip')).mode & 0o777).toBe(0o600);
  });

  it('several readings go on at once', async () => {
    await using video = await openVideo(small);
    const widths = await Promise.all(
      [0, 20, 59].map(async (index) => (await video.frames([index]).next()).value?.width),
    );
    expect(widths).toEqual([96, 96, 96]);
  });

  it('a slow reader makes the decoder wait', async () => {
    await using video = await openVideo(film);
    const reading = video.frames(range(FILM_FRAMES));
    await reading.next();
    const before = process.memoryUsage().arrayBuffers;
    await sleep(1500);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
    await reading.return(undefined);
  });
});
