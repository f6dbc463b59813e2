// Clips that strangers send, and what keeps ffmpeg within bounds while it looks at them.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fenceFor, memoryFor } from '../../../src/media/ffmpeg-fence.js';
import { inputArgs } from '../../../src/media/ffmpeg-input.js';
import { findFfmpeg } from '../../../src/media/ffmpeg-tools.js';
import { openVideo } from '../../../src/media/video.js';
import type { MediaRules } from '../../../src/server/media/fetch-media.js';
import { clipCopies } from '../../support/clip-copies.js';
import { dataUrl, fetched, refusal } from '../../support/refused-media.js';
import { skipUnless } from '../../support/skip-unless.js';
import { clipFolder, ffmpeg, hasEncoder, hasFfmpeg, makeClip } from '../drawn-clip.js';

const { file, remove } = clipFolder();
const temporary = file('temporary');

beforeAll(async () => {
  if (!hasFfmpeg) return;
  mkdirSync(temporary);
  await makeClip(file('clip.mp4'), '-c:v mpeg4', { frames: 30 });
});
beforeEach(() => void vi.stubEnv('TMPDIR', temporary));
afterEach(() => void vi.unstubAllEnvs());
afterAll(remove);

const clip = (name: string) => dataUrl(readFileSync(file(name)), 'video/mp4');
const read = (name: string, rules: Partial<MediaRules> = {}) => fetched(clip(name), rules, 'video');
const refused = (name: string, rules: Partial<MediaRules> = {}) =>
  refusal(clip(name), rules, 'video');

describe('Clips', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => {
  it('are handed on as they came, and leave no copy', async () => {
    expect(Buffer.compare(await read('clip.mp4'), readFileSync(file('clip.mp4')))).toBe(0);
    expect(clipCopies(temporary)).toEqual([]);
  });

  it('14 of too many pixels are refused before they are decoded', async () => {
    expect(await refused('clip.mp4', { maxPixels: 6000 })).toMatch(/more than the 6000 pixels/);
  });

  it('18 of too many seconds or frames are too', async () => {
    await makeClip(file('long.mp4'), '-c:v mpeg4', {
      frames: 30,
      fps: '10',
      width: 16,
      height: 16,
    });
    await makeClip(file('dense.mp4'), '-c:v mpeg4', {
      frames: 300,
      fps: '600',
      width: 16,
      height: 16,
    });
    expect(await refused('long.mp4', { maxClipSeconds: 2 })).toMatch(/longer than the 2 s/);
    expect(await refused('dense.mp4', { maxClipSeconds: 1 })).toMatch(/more frames than 1 s/);
    await read('dense.mp4', { maxClipSeconds: 3 });
  });

  it('18 that claim to be short are counted', async () => {
    await makeClip(file('claims.mp4'), '-c:v mpeg4', { frames: 300, width: 16, height: 16 });
    const bytes = readFileSync(file('claims.mp4'));
    // mvhd, tkhd and mdhd hold the durations.
    for (const [box, at] of [
      ['mvhd', 20],
      ['tkhd', 24],
      ['mdhd', 20],
    ] as const)
      bytes.writeUInt32BE(1, bytes.indexOf(box) + at);
    expect(await refusal(dataUrl(bytes, 'video/mp4'), { maxClipSeconds: 2 }, 'video')).toMatch(
      /more frames than|longer than/,
    );
  });

  it(
    '19 of codecs that nobody sends never reach their decoder',
    skipUnless(hasFfmpeg && hasEncoder('jpeg2000'), 'needs the encoder jpeg2000'),
    async () => {
      await makeClip(file('j2k.avi'), '-c:v jpeg2000', { frames: 2 });
      expect(await refused('j2k.avi')).toMatch(/a codec that is not decoded here/);
      await expect(openVideo(file('j2k.avi'))).rejects.toThrow(/not on whitelist/);
    },
  );

  it('20 a playlist is no clip, by whatever name', async () => {
    const list = Buffer.from(`#EXTM3U\n#EXTINF:1,\nfile://${file('clip.mp4')}\n#EXT-X-ENDLIST\n`);
    for (const bytes of [list, Buffer.from(`ffconcat version 1.0\nfile '${file('clip.mp4')}'\n`)])
      expect(await refusal(dataUrl(bytes, 'video/mp4'), {}, 'video')).toMatch(/it is text/);
  });

  it('20 a playlist within a clip is not opened', async () => {
    // ffmpeg once took subtitles of an AVI for a file of their own, whatever they were.
    ffmpeg(`-i ${file('clip.mp4')} -c:v copy ${file('clip.avi')}`);
    const bytes = readFileSync(file('clip.avi'));
    const gab2 = Buffer.from('GAB2\0\x02\0\0\0\0\0\0\0#EXTM3U\nconcat:file:///etc/passwd\n');
    const hidden = Buffer.concat([bytes, gab2]);
    await fetched(dataUrl(hidden, 'video/avi'), {}, 'video');
    const args = inputArgs({
      ...{ path: 'x', label: '', maxFramePixels: 1e6, signal: new AbortController().signal },
      tools: await findFfmpeg({}),
    }).join(' ');
    expect(args).toMatch(/-protocol_whitelist file /);
    expect(args).not.toMatch(/hls|concat|dash|sdp|rtsp/);
  });

  it('22 what ffmpeg says is not passed on', async () => {
    const bytes = readFileSync(file('clip.mp4'));
    const broken = bytes.subarray(0, bytes.length >> 1);
    expect(await refusal(dataUrl(broken, 'video/mp4'), {}, 'video')).toBe(
      'Cannot use the video: it is damaged, has no picture, or is of a codec that is not decoded here',
    );
  });

  it('22 sound alone is no clip', async () => {
    ffmpeg(`-f lavfi -i sine -t 0.2 -c:a aac ${file('sound.mp4')}`);
    expect(await refused('sound.mp4')).toMatch(/has no picture/);
  });

  it('an abort ends the look at one, and leaves no copy', async () => {
    const abort = new AbortController();
    const pending = fetched(clip('clip.mp4'), {}, 'video', abort.signal);
    setImmediate(() => abort.abort(new Error('gone')));
    await expect(pending).rejects.toThrow('gone');
    expect(clipCopies(temporary)).toEqual([]);
  });
});

const isLinux = process.platform === 'linux';
const hasFence =
  isLinux && spawnSync('prlimit', ['setpriv', '--pdeathsig', 'KILL', 'true']).status === 0;

describe('The fence around ffmpeg', skipUnless(hasFence && hasFfmpeg, 'needs util-linux'), () => {
  it('limits its memory and its time, and lets it gain no rights', async () => {
    const fence = await fenceFor('ffmpeg');
    const [first = '', ...rest] = fence(memoryFor(1e6));
    const script = 'ulimit -v; ulimit -t; grep NoNewPrivs /proc/self/status';
    const told = execFileSync(first, [...rest, 'sh', '-c', script], { encoding: 'utf8' });
    const [memory, seconds, rights] = told.split('\n');
    expect(Number(memory) * 1024).toBeLessThanOrEqual(memoryFor(1e6));
    expect(Number(seconds)).toBe(4 * 3600);
    expect(rights).toMatch(/1$/);
  });

  it('is left out where a program does not run within it', async () => {
    expect((await fenceFor('/nowhere/ffmpeg'))(memoryFor(1))).toEqual([]);
  });

  it('ends it when its parent is killed', async () => {
    const fence = await fenceFor('ffmpeg');
    const words = [...fence(memoryFor(1e6)), 'sleep', '1000'];
    const script =
      `const [first, ...rest] = ${JSON.stringify(words)};` +
      "console.log(require('node:child_process').spawn(first, rest).pid); setInterval(() => {}, 1e3)";
    const parent = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const name = () => nameOf(Number(line));
    await expect.poll(name).toBe('sleep');
    parent.kill('SIGKILL');
    await expect.poll(name).toBeUndefined();
  });
});

/** Undefined for one that is gone, or a zombie. */
function nameOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, name, state] = /\((.*)\) (\w)/.exec(stat)!;
    return state === 'Z' ? undefined : name;
  } catch {
    return undefined;
  }
}
