import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { RgbImage } from '../../src/media/image.js';
import { type OpenedVideo, openVideo } from '../../src/media/video.js';
import { sampleFrames } from '../../src/vision/frame-sampling.js';
import { collect } from '../support/collect.js';
import { skipUnless } from '../support/skip-unless.js';
import {
  AS_TIMED,
  clipFolder,
  type Drawing,
  drawFrame,
  ffmpeg,
  hasEncoder,
  hasFfmpeg,
  makeClip,
  readNumber,
  setRotation,
  spyOnFfmpeg,
} from './drawn-clip.js';

const FRAMES = 330;
const H264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 60';
const X264 = '-c:v libx264 -pix_fmt yuv420p -g 60 -bf 3 -sc_threshold 0';
const X265 = '-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=error';
/** One thread: more of them wait for each other, at times for seconds. */
const VP8 = '-c:v libvpx -threads 1 -pix_fmt yuv420p -g 60 -deadline good -cpu-used 4';
const VP9 = '-c:v libvpx-vp9 -pix_fmt yuv420p -g 60 -deadline realtime -cpu-used 8';
const HIDDEN = '-auto-alt-ref 1 -lag-in-frames 16'; // encoders with frames that are never shown
/** Some frames stay longer than others, one for most of a second. */
const UNEVEN = `-vf settb=1/90000,setpts=3000*N+60000*gt(N\\,100)+900*mod(N\\,3) -enc_time_base 1:90000 ${AS_TIMED}`;

/** What is special, file, encoding, drawing; `counted` where only counting frames is sure. */
const CASES: [string, string, string, (Drawing & { counted?: boolean })?][] = [
  ['h264 with B-frames', 'b.mp4', X264],
  ['h264 with B-frames', 'b.mkv', X264],
  ['h264 with B-frames', 'b.ts', X264, { counted: true }],
  ['h264 with B-frames, no time stamps', 'b.avi', X264, { counted: true }],
  ['h264 with open groups', 'open.mkv', `${X264} -x264-params open-gop=1`],
  [
    'h264 without keyframes',
    'no-key.mkv',
    `${X264} -bf 0 -x264-params intra-refresh=1`,
    { counted: true },
  ],
  ['h264 interlaced', 'fields.mp4', `${X264} -flags +ilme+ildct`, { counted: true }],
  ['h264 fragmented', 'part.mp4', `${X264} -movflags frag_keyframe+empty_moov`],
  ['h264, 24 per second', '24.mov', H264, { fps: '24' }],
  ['h264, 29.97 per second', '2997.mp4', X264, { fps: '30000/1001' }],
  ['h264 of variable rate', 'uneven.mp4', `${UNEVEN} ${X264} -video_track_timescale 90000`],
  ['h264 of variable rate', 'uneven.mkv', `${UNEVEN} ${X264}`],
  [
    'h264 of odd size',
    'odd.mp4',
    '-c:v libx264 -pix_fmt yuv444p -g 60 -sc_threshold 0',
    { width: 97, height: 73 },
  ],
  ['hevc with open groups', 'a.mp4', `${X265}:keyint=60:open-gop=1:bframes=3`],
  ['vp9 of odd size', 'vp9.webm', `${VP9} ${HIDDEN}`, { width: 101, height: 75 }],
  [
    'vp8 with invisible frames',
    'vp8.webm',
    `${VP8} ${HIDDEN} -arnr-maxframes 7`,
    { counted: true },
  ],
  ['av1', 'av1.webm', '-c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p -g 60'],
  ['mpeg4 with B-frames', 'mpeg4.avi', '-c:v mpeg4 -bf 2 -g 60 -q:v 3', { counted: true }],
  ['mpeg4 with B-frames', 'mpeg4.mp4', '-c:v mpeg4 -bf 2 -g 60 -q:v 3', { counted: true }],
  ['mpeg2', 'mpeg2.mpg', '-c:v mpeg2video -bf 2 -q:v 3', { counted: true }],
  ['mjpeg', 'mjpeg.mov', '-c:v mjpeg -pix_fmt yuvj420p -q:v 3'],
  ['mjpeg', 'mjpeg.avi', '-c:v mjpeg -pix_fmt yuvj422p -q:v 3', { counted: true }],
  ['prores', 'prores.mov', '-c:v prores_ks'],
  ['ffv1 of odd size', 'ffv1.mkv', '-c:v ffv1 -pix_fmt bgr0', { width: 99, height: 71 }],
  ['gif', 'animated.gif', '-c:v gif', { fps: '25', counted: true }],
];
/** Jumps, both sides of keyframes, neighbours, the ends. */
const CHOICES = [[0, 59, 60, 61, 190, 191, 329], [119, 300], [299]];

const folder = clipFolder();
afterAll(folder.remove);

async function numbers(video: OpenedVideo, indices: number[]): Promise<number[]> {
  return (await collect(video.frames(indices))).map(readNumber);
}

/** How ffmpeg was run to get frames. */
function kindOf(run: string): string {
  if (run.includes(' -ss ')) return 'by a jump';
  return run.includes('eq(n,') ? 'counted' : 'from the start';
}

/** Of pictures, for many of them: vitest compares bytes one by one. */
const digest = ({ width, height, data }: RgbImage) =>
  `${width}x${height} ${createHash('sha1').update(data).digest('hex')}`;

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('Frames of', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => {
  for (const [name, file, encoding, drawing = {}] of CASES) {
    const encoder = / ?-c:v (\S+)/.exec(encoding)![1]!;
    const encoded = skipUnless(hasEncoder(encoder), `needs an ffmpeg with ${encoder}`);
    it(`${name} (${file}) are the ones asked for`, encoded, async () => {
      const { width = 96, height = 72, counted = false } = drawing;
      const path = await makeClip(folder.file(file), encoding, { frames: FRAMES, ...drawing });
      const spy = spyOnFfmpeg(folder.file('spy'));
      await using video = await openVideo(path, { ffmpegPath: spy.path });
      expect(video).toMatchObject({ nFrames: FRAMES, width, height });
      // From the start, then by jumps: the same pictures to the bit.
      const all = await collect(video.frames(range(0, FRAMES)));
      expect(all.map(readNumber)).toEqual(range(0, FRAMES));
      spy.forget();
      for (const indices of CHOICES) {
        const some = await collect(video.frames(indices));
        expect(some.map(digest)).toEqual(indices.map((index) => digest(all[index]!)));
      }
      const runs = spy.runs().map(kindOf);
      if (counted) expect(runs.at(-1)).toBe('counted');
      else expect(new Set(runs)).toEqual(new Set(['from the start', 'by a jump']));
    });
  }

  it.each([
    ['24', 24],
    ['30000/1001', 29.97],
  ])('a clip at %s per second know their rate', async (fps, value) => {
    await using video = await openVideo(await makeClip(folder.file('fps.mp4'), X264, { fps }));
    expect(video.fps).toBeCloseTo(value, 2);
    expect(video.durationSeconds).toBeCloseTo(330 / value, 1);
    expect(video.secondsOf(0)).toBe(0);
    expect(video.secondsOf(329)).toBeCloseTo(329 / value, 2);
  });

  it.each([90, 180, 270] as const)('a clip turned by %d° are upright', async (degrees) => {
    const path = folder.file(`turned-${degrees}.mp4`);
    const stored = { 90: 'transpose=2', 180: 'hflip,vflip', 270: 'transpose=1' }[degrees];
    setRotation(await makeClip(path, `-vf ${stored} ${X264}`), degrees);
    await using video = await openVideo(path);
    expect(video).toMatchObject({ nFrames: FRAMES, width: 96, height: 72 });
    expect(await numbers(video, [1, 2, 77, 298])).toEqual([1, 2, 77, 298]);
  });

  it('a clip cut without encoding start where its edit list says', async () => {
    const whole = await makeClip(folder.file('whole.mp4'), X264);
    const cut = folder.file('cut.mp4');
    ffmpeg(`-ss 3.1 -i ${whole} -c copy ${cut}`);
    await using video = await openVideo(cut);
    const all = await numbers(video, range(0, video.nFrames));
    expect(all[0]).toBeGreaterThanOrEqual(92);
    expect(all).toEqual(range(all[0]!, FRAMES));
    const some = [0, 3, 150, 236];
    expect(await numbers(video, some)).toEqual(some.map((index) => all[index]));
  });

  it('a clip with a cover picture and sound are those of the film', async () => {
    const film = await makeClip(folder.file('film.mp4'), H264);
    const cover = folder.file('cover.png');
    const covered = folder.file('covered.mp4');
    ffmpeg(`-f lavfi -i color=red:s=64x64 -frames:v 1 ${cover}`);
    const streams = '-map 0 -map 1 -map 2 -c:v copy -disposition:v:0 attached_pic';
    ffmpeg(`-i ${cover} -i ${film} -f lavfi -i sine=d=11 ${streams} ${covered}`);
    await using video = await openVideo(covered);
    expect(await numbers(video, [0, 200, 329])).toEqual([0, 200, 329]);
  });

  it('a clip that changes its size midway are counted through the change', async () => {
    const small = await makeClip(folder.file('small.ts'), H264, { frames: 50 });
    const large = { frames: 50, width: 192, height: 144 };
    const path = folder.file('sizes.ts');
    ffmpeg(
      `-i concat:${small}|${await makeClip(folder.file('large.ts'), H264, large)} -c copy ${path}`,
    );
    await using video = await openVideo(path);
    expect(await numbers(video, [10, 49, 50, 60, 99])).toEqual([10, 49, 0, 10, 49]);
  });

  it('a clip of one frame repeat it', async () => {
    await using video = await openVideo(
      await makeClip(folder.file('one.mp4'), H264, { frames: 1 }),
    );
    const seen = await collect(video.frames(sampleFrames(1, 4, 'linspace')));
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(1);
  });

  it('a lossless clip are exact to the bit', async () => {
    const path = await makeClip(folder.file('lossless.mkv'), '-c:v ffv1 -pix_fmt bgr0');
    await using video = await openVideo(path);
    for await (const frame of video.frames([200])) expect(frame).toEqual(drawFrame(200));
  });

  it('any clip are the same without ffprobe', async () => {
    const path = await makeClip(folder.file('unprobed.mp4'), X264);
    const spy = spyOnFfmpeg(folder.file('alone'));
    vi.stubEnv('PATH', folder.file('nothing here'));
    vi.stubEnv('LLAVAOV_FFPROBE', undefined);
    try {
      await using video = await openVideo(path, { ffmpegPath: spy.path });
      expect(video).toMatchObject({ nFrames: FRAMES, width: 96, fps: undefined });
      expect(await numbers(video, [0, 200, 329])).toEqual([0, 200, 329]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
