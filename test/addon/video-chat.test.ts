// A real clip through ffmpeg, tower and decoder; and what is left behind when it is cut short.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ChatOptions, LlavaOneVision, type VideoPart } from '../../src/index.js';
import { clipCopies } from '../support/clip-copies.js';
import { endlessFfmpeg } from '../support/endless-ffmpeg.js';
import { eventually } from '../support/eventually.js';
import { convertedFiles, goldenCases } from '../support/golden.js';
import { skipUnless } from '../support/skip-unless.js';

const golden = goldenCases('demo').find(({ id }) => id === 'motion-0')!;
const [list, question] = golden.messages[0]!.content as [VideoPart, { type: 'text'; text: string }];
const frames = list.video as string[];
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;

describe('a clip file', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => {
  const folder = mkdtempSync(join(tmpdir(), 'video-chat-'));
  const path = join(folder, 'motion.mkv');
  const temporary = join(folder, 'tmp');
  const usualFolder = process.env.TMPDIR;
  let model: LlavaOneVision;
  let files: Awaited<ReturnType<typeof convertedFiles>>;

  beforeAll(async () => {
    files = await convertedFiles('demo', 'f32');
    // Lossless, so that its frames are the pictures they were made from.
    frames.forEach((frame, i) => {
      copyFileSync(frame, join(folder, `${i}.png`));
    });
    const input = ['-framerate', '4', '-i', join(folder, '%d.png')];
    execFileSync('ffmpeg', ['-v', 'error', ...input, '-c:v', 'png', path]);
    mkdirSync(temporary);
    process.env.TMPDIR = temporary;
    model = await open();
  });
  afterAll(async () => {
    if (usualFolder === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usualFolder;
    await model?.dispose();
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    expect(clipCopies(temporary)).toEqual([]);
    // A process that has ended is listed until its pipes are closed too.
    await eventually(() => expect(process.getActiveResourcesInfo()).not.toContain('ProcessWrap'));
  });

  const open = () =>
    LlavaOneVision.load({
      ...{ ...files, contextSize: 4096, kvType: 'f32' },
      ...{ visualCacheBytes: 0, prefixCache: false, threads: 1 },
    });

  function ask(on: LlavaOneVision, video: VideoPart['video'], options?: ChatOptions) {
    const part = { type: 'video' as const, video, frames: frames.length };
    return on.chat([{ role: 'user', content: [part, question] }], {
      ...{ repetitionPenalty: 1, maxTokens: 32 },
      ...options,
    }).result;
  }

  it('gives the rows of its frames', async () => {
    const rows = async (video: VideoPart['video']) => {
      const part = { type: 'video' as const, video, frames: frames.length };
      const [embedded] = await model.embed([{ role: 'user', content: [part] }]);
      return embedded!;
    };
    const expected = await rows(frames);
    const actual = await rows(path);
    expect(actual).toMatchObject({ kind: 'video', grid: null, frames: [0, 1, 2, 3, 4, 5] });
    expect(actual.rows).toBe(golden.media[0]!.rows);
    expect(actual.data).toEqual(expected.data);
  });

  it('gets the reference’s answer, as path and as bytes', async () => {
    for (const video of [path, new Uint8Array(readFileSync(path))])
      expect((await ask(model, video)).text).toBe(golden.greedy.text);
  });

  it('is not decoded to be laid out', async () => {
    const part = { type: 'video' as const, video: path };
    const { media } = await model.render([{ role: 'user', content: [part, question] }]);
    expect(media).toMatchObject([{ kind: 'video', rows: 32 * 16 + 1 }]);
  });

  describe('leaves no process and no file', () => {
    const bytes = () => new Uint8Array(readFileSync(path));

    it.each(['encode', 'prefill'] as const)('when aborted during %s', async (stage) => {
      const controller = new AbortController();
      const onProgress: ChatOptions['onProgress'] = (progress) => {
        if (progress.stage === stage) controller.abort(new Error('enough'));
      };
      const answer = ask(model, bytes(), { signal: controller.signal, onProgress });
      await expect(answer).rejects.toThrow('enough');
    });

    it('when aborted while it is opened', async () => {
      const ffmpegPath = endlessFfmpeg(join(folder, 'endless'));
      const other = await LlavaOneVision.load({ ...files, contextSize: 4096, ffmpegPath });
      const controller = new AbortController();
      const answer = ask(other, bytes(), { signal: controller.signal });
      answer.catch(() => {});
      await eventually(() => expect(clipCopies(temporary)).toHaveLength(1));
      controller.abort(new Error('enough'));
      await expect(answer).rejects.toThrow('enough');
      await other.dispose();
    });

    it('when the model is disposed of', async () => {
      const other = await open();
      const onProgress = () => void other.dispose();
      await expect(ask(other, bytes(), { onProgress })).rejects.toMatchObject({
        code: 'ERR_DISPOSED',
      });
      await other.dispose();
    });

    it('when another part of the conversation is broken', async () => {
      const content = [
        { type: 'video' as const, video: bytes() },
        { type: 'image' as const, image: new Uint8Array(9) },
      ];
      const answer = model.chat([{ role: 'user', content }]).result;
      await expect(answer).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' });
    });

    it('when it is no clip', async () => {
      const answer = ask(model, new Uint8Array(5000).fill(65));
      await expect(answer).rejects.toMatchObject({ code: 'ERR_VIDEO_DECODE' });
    });

    it('when it does not fit', async () => {
      const part = { type: 'video' as const, video: bytes(), frames: 4000 };
      const answer = model.chat([{ role: 'user', content: [part] }]).result;
      await expect(answer).rejects.toMatchObject({ code: 'ERR_CONTEXT_FULL' });
    });
  });
});
