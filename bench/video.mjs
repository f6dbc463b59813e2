// Samples a long clip and compares with ffmpeg decoding all of it: time, and peak memory of node and of its largest
// child (Linux only). Makes a 10-minute 1080p clip unless one is given.
//
//   npm run build:ts && node bench/video.mjs [--clip FILE] [--frames 32] [--dir DIR] [--json]
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openVideo } from '../dist/src/media/video.js';
import { sampleFrames } from '../dist/src/vision/frame-sampling.js';
import { scriptArgs } from '../scripts/script-args.mjs';

const ROOT = join(import.meta.dirname, '..');
const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    clip: { type: 'string' },
    frames: { type: 'string', default: '32' },
    dir: { type: 'string', default: join(ROOT, 'models/bench') },
    json: { type: 'boolean', default: false },
  },
});
const ffmpeg = process.env.LLAVAOV_FFMPEG ?? 'ffmpeg';
const MB = 2 ** 20;

/** x264's usual distance of keyframes, 250. */
function makeClip() {
  const path = join(options.dir, 'clip-1080p-600s.mp4');
  if (existsSync(path)) return path;
  process.stderr.write(`making a 10-minute clip, ${path}\n`);
  mkdirSync(options.dir, { recursive: true });
  const picture = 'testsrc2=s=1920x1080:r=30:d=600';
  const encoding = '-c:v libx264 -preset veryfast -bf 3 -g 250 -pix_fmt yuv420p';
  const args = ['-v', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', picture];
  execFileSync(ffmpeg, [...args, ...encoding.split(' '), path]);
  return path;
}

/** Peak resident memory of each child alive, from the kernel's own high-water mark. */
function childPeaks() {
  try {
    return readdirSync('/proc/self/task')
      .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' '))
      .filter(Boolean)
      .map((pid) =>
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
      );
  } catch {
    return []; // not Linux, or a child just ended
  }
}

/** Seconds of `work`, and the largest child in MB. */
async function measure(work) {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, ...childPeaks().filter((kilobytes) => kilobytes > 0));
  }, 10);
  const start = performance.now();
  await work();
  clearInterval(timer);
  return { seconds: (performance.now() - start) / 1000, childMb: (peak * 1024) / MB };
}

const clip = options.clip ?? makeClip();
let video;
const opening = await measure(async () => {
  video = await openVideo(clip);
});
const indices = sampleFrames(video.nFrames, Number(options.frames), 'linspace');
let nPixels = 0;
const reading = await measure(async () => {
  for await (const frame of video.frames(indices)) nPixels += frame.width * frame.height;
});
const nodeMb = process.resourceUsage().maxRSS / 1024;
await video[Symbol.asyncDispose]();
const decoding = await measure(() =>
  promisify(execFile)(ffmpeg, [
    '-v',
    'error',
    '-nostdin',
    '-i',
    clip,
    '-map',
    '0:V:0',
    '-f',
    'null',
    '-',
  ]),
);

const result = {
  clip: `${video.width}×${video.height}, ${video.nFrames} frames, ${video.fps} per second`,
  frames: indices.length,
  megapixels: nPixels / 1e6,
  opening,
  reading,
  nodeMb,
  decoding,
  shareOfDecoding: (opening.seconds + reading.seconds) / decoding.seconds,
};
if (options.json) console.log(JSON.stringify(result));
else {
  const line = (name, { seconds, childMb }) =>
    console.log(
      `${name.padEnd(28)} ${seconds.toFixed(2).padStart(7)} s   ffmpeg ${childMb.toFixed(0)} MB`,
    );
  console.log(result.clip);
  line('open: scan, hash, one frame', opening);
  line(`read ${indices.length} frames`, reading);
  line('ffmpeg decoding all of it', decoding);
  console.log(
    `node at most ${nodeMb.toFixed(0)} MB; ${(100 * result.shareOfDecoding).toFixed(0)} % of decoding`,
  );
}
