/** ffmpeg as a process: finding it, its complaints, its end. Node stands in for it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { linesOf, startFfmpeg, undecodable } from '../../../src/media/ffmpeg-process.js';
import { findFfmpeg } from '../../../src/media/ffmpeg-tools.js';
import { openVideo } from '../../../src/media/video.js';
import { collect } from '../../support/collect.js';

const node = process.execPath;
const start = (program: string, args: string[], signal?: AbortSignal) => {
  const child = startFfmpeg(program, args, { signal });
  return { ...child, [Symbol.asyncDispose]: () => child.end() };
};
const run = (script: string, signal?: AbortSignal) => start(node, ['-e', script], signal);
const FOREVER = 'setInterval(() => {}, 1000);';
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

afterEach(() => void vi.unstubAllEnvs());

describe('Finding ffmpeg', () => {
  const alone = () => {
    for (const name of ['PATH', 'LLAVAOV_FFMPEG', 'LLAVAOV_FFPROBE']) vi.stubEnv(name, '');
  };

  it('says what was tried and how to get it', async () => {
    alone();
    const error = await findFfmpeg({}).catch((error) => error);
    expect(error).toMatchObject({ code: 'ERR_FFMPEG_NOT_FOUND' });
    expect(error.tried[0]).toBe('ffmpeg (no such program)');
    for (const help of [
      'apt install',
      'brew',
      'winget',
      '@ffmpeg-installer/ffmpeg',
      'ffmpegPath',
      'LLAVAOV_FFMPEG',
    ])
      expect(error.message).toContain(help);
  });

  it('takes no other than the one named, by option before environment', async () => {
    vi.stubEnv('LLAVAOV_FFMPEG', '/nowhere/env');
    await expect(findFfmpeg({})).rejects.toMatchObject({
      tried: ['/nowhere/env (no such program)'],
    });
    await expect(findFfmpeg({ ffmpegPath: '/nowhere/option' })).rejects.toMatchObject({
      tried: ['/nowhere/option (no such program)'],
    });
  });

  it('does without ffprobe unless one is named', async () => {
    alone();
    const folder = mkdtempSync(join(tmpdir(), 'ffmpeg-'));
    const ffmpegPath = join(folder, 'ffmpeg');
    writeFileSync(ffmpegPath, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    expect(await findFfmpeg({ ffmpegPath })).toMatchObject({
      ffmpeg: ffmpegPath,
      ffprobe: undefined,
    });
    await expect(findFfmpeg({ ffmpegPath, ffprobePath: '/nowhere' })).rejects.toMatchObject({
      code: 'ERR_FFMPEG_NOT_FOUND',
    });
    const ffprobe = join(folder, 'ffprobe');
    writeFileSync(ffprobe, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    expect(await findFfmpeg({ ffmpegPath })).toMatchObject({ ffmpeg: ffmpegPath, ffprobe });
    rmSync(folder, { recursive: true });
  });

  it('tells a program that fails from one that is missing', async () => {
    const error = await findFfmpeg({ ffmpegPath: node }).catch((error) => error);
    expect(error.tried).toEqual([`${node} (-version failed with 9)`]);
  });

  it('is what opening a file asks first, and a list of frames never', async () => {
    const frame = { width: 1, height: 1, data: new Uint8Array(3) };
    const options = { ffmpegPath: '/nowhere' };
    await expect(openVideo('clip.mp4', options)).rejects.toMatchObject({
      code: 'ERR_FFMPEG_NOT_FOUND',
    });
    expect((await openVideo([frame], options)).nFrames).toBe(1);
  });
});

describe('A run', () => {
  it('gives its output, and whether it ended well', async () => {
    await using child = run('console.log("a\\nb"); process.stdout.write("c")');
    expect(await collect(linesOf(child.stdout))).toEqual(['a', 'b', 'c']);
    expect(await child.exit).toEqual({ isClean: true, stderr: '' });
  });

  it('keeps the end of a long complaint', async () => {
    await using child = run('console.error("x".repeat(1e6) + "the reason"); process.exitCode = 3');
    for await (const _ of child.stdout);
    const { isClean, stderr } = await child.exit;
    expect(isClean).toBe(false);
    expect(stderr).toHaveLength(4096);
    expect(stderr).toMatch(/the reason\n$/);
  });

  it('that cannot start ends, with the reason', async () => {
    await using child = start('/nowhere/ffmpeg', []);
    for await (const _ of child.stdout);
    expect(await child.exit).toMatchObject({ isClean: false, stderr: /ENOENT/ });
  });

  it('is killed by an abort, also one that will not stop', async () => {
    const abort = new AbortController();
    await using child = run(
      `process.on('SIGTERM', () => {}); console.log(process.pid); ${FOREVER}`,
      abort.signal,
    );
    for await (const line of linesOf(child.stdout)) {
      abort.abort();
      expect((await child.exit).isClean).toBe(false);
      expect(isAlive(Number(line))).toBe(false);
    }
  });

  it('is gone when it is ended, though its pipe is full', async () => {
    let pid = 0;
    {
      await using child = run(
        `console.log(process.pid); ${FOREVER} for (;;) process.stdout.write('x'.repeat(1e5));`,
      );
      for await (const chunk of child.stdout) {
        pid = Number.parseInt(String(chunk), 10);
        break;
      }
      expect(isAlive(pid)).toBe(true);
    }
    expect(isAlive(pid)).toBe(false);
  });

  it('does not start once aborted', () => {
    expect(() => run('', AbortSignal.abort(new Error('before')))).toThrow('before');
  });
});

it("A refusal quotes ffmpeg's complaint without addresses, copies and the file's place", () => {
  const stderr =
    '[mov,mp4 @ 0x5581] moov atom not found\n[in#0 @ 0x1] [dec @ 0x2] bad\nbad\n' +
    'file:/tmp/llava-onevision-x/clip: Invalid data found when processing input\n';
  const error = undecodable('bytes (5)', 'no frame of it decodes', { stderr });
  expect(error).toMatchObject({ code: 'ERR_VIDEO_DECODE', source: 'bytes (5)', stderr });
  expect(error.message).toBe(
    'Cannot read video bytes (5): no frame of it decodes ' +
      '(ffmpeg: moov atom not found; bad; Invalid data found when processing input)',
  );
});
