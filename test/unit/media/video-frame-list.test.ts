/** Clips that are given as frames; no ffmpeg. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ImageSource, RgbImage } from '../../../src/media/image.js';
import { openVideo, type VideoSource } from '../../../src/media/video.js';
import { collect } from '../../support/collect.js';

const frame = (value: number, width = 2): RgbImage => ({
  width,
  height: 2,
  data: new Uint8Array(width * 2 * 3).fill(value),
});

async function values(source: VideoSource, indices: number[]): Promise<number[]> {
  await using video = await openVideo(source);
  const pixels = await collect(video.frames(indices));
  return pixels.map(({ data }) => data[0]!);
}

async function* stream<T>(frames: Iterable<T>) {
  yield* frames;
}

describe('Frames in an array', () => {
  const frames = [1, 2, 3, 4].map((value) => frame(value));

  it('are chosen by index, repeats included', async () => {
    expect(await values(frames, [0, 0, 2, 3, 3])).toEqual([1, 1, 3, 4, 4]);
    expect(await values(frames, [])).toEqual([]);
  });

  it('may be encoded and of several sizes', async () => {
    const png = await sharp(frame(9, 5).data, { raw: { width: 5, height: 2, channels: 3 } })
      .png()
      .toBuffer();
    await using video = await openVideo([
      frame(1),
      png,
      `data:image/png;base64,${png.toString('base64')}`,
    ]);
    expect(video).toMatchObject({ nFrames: 3, width: 2, height: 2, fps: undefined });
    const sizes = [];
    for await (const { width, data } of video.frames([0, 1, 2])) sizes.push([width, data[0]]);
    expect(sizes).toEqual([
      [2, 1],
      [5, 9],
      [5, 9],
    ]);
  });

  it('have a hash that tells content and order', async () => {
    const hashOf = async (source: VideoSource) => (await openVideo(source)).hash;
    const hash = await hashOf(frames);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await hashOf(frames.map(({ data, ...size }) => ({ ...size, data: data.slice() })))).toBe(
      hash,
    );
    expect(await hashOf([...frames].reverse())).not.toBe(hash);
    expect(await hashOf(frames.slice(1))).not.toBe(hash);
    expect(await hashOf(stream(frames))).toBe(hash);
  });

  it.each<[unknown, string]>([
    [[], 'video'],
    [[frame(1), 7], 'video[1]'],
    [[{ ...frame(1), width: 3 }], 'video[0].data.length'],
    [null, 'video'],
    ['', 'video'],
    [{}, 'video'],
  ])('are checked: %j', async (source, argument) => {
    await expect(openVideo(source as VideoSource)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });

  it.each([
    [[0, 4], 'indices[1]'],
    [[-1], 'indices[0]'],
    [[0.5], 'indices[0]'],
    [[0, 2, 1], 'indices[2]'],
  ])('are asked for in order and range: %j', async (indices, argument) => {
    const video = await openVideo(frames);
    expect(() => video.frames(indices)).toThrowError(expect.objectContaining({ argument }));
  });

  it('are held to the size allowed', async () => {
    await expect(openVideo(frames, { maxFramePixels: 3 })).rejects.toMatchObject({
      code: 'ERR_IMAGE_DECODE',
    });
    await expect(openVideo(frames, { maxFramePixels: 0 })).rejects.toMatchObject({
      argument: 'maxFramePixels',
    });
  });

  it('cannot be read once closed', async () => {
    const video = await openVideo(frames);
    await video[Symbol.asyncDispose]();
    await expect(video.frames([0]).next()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});

describe('Frames in a stream', () => {
  it('are counted, though it reuses its buffer', async () => {
    async function* camera() {
      const shared = frame(0);
      for (let value = 1; value <= 5; value++) {
        shared.data.fill(value);
        yield shared;
      }
    }
    expect(await values(camera(), [0, 2, 4])).toEqual([1, 3, 5]);
  });

  it('are at least one, and frames', async () => {
    await expect(openVideo(stream([]))).rejects.toMatchObject({ code: 'ERR_VIDEO_DECODE' });
    await expect(
      openVideo(stream([frame(1), 'x', 3 as unknown as ImageSource])),
    ).rejects.toMatchObject({
      argument: 'video[2]',
    });
  });

  it('end it when one is bad', async () => {
    let isClosed = false;
    async function* source() {
      try {
        for (;;) yield 5 as unknown as ImageSource;
      } finally {
        isClosed = true;
      }
    }
    await expect(openVideo(source())).rejects.toMatchObject({ argument: 'video[0]' });
    expect(isClosed).toBe(true);
  });

  it('may fail, with their own error', async () => {
    async function* source() {
      yield frame(1);
      throw new Error('camera off');
    }
    await expect(openVideo(source())).rejects.toThrow('camera off');
  });

  it('are not waited for after an abort', async () => {
    const abort = new AbortController();
    async function* source() {
      yield frame(1);
      await new Promise(() => {});
    }
    const opening = openVideo(source(), { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(opening).rejects.toThrow('enough');
  });
});
