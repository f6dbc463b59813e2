/**
 * Frames of a clip by number. Without time stamps the clip is decoded from its start and frames are counted;
 * with them ffmpeg enters at the keyframe before each frame, and takes it only if its time is exactly right.
 * Colours are swscale's plain path, which decord and the ffmpeg tool share: byte-equal frames from ffmpeg 4 to 5.
 */
import { whyNoFrames } from './clip-format.js';
import {
  type Clip,
  inputArgs,
  maxDecodedPixels,
  runOptions,
  VIDEO_STREAM,
} from './ffmpeg-input.js';
import { readPpm } from './ffmpeg-ppm.js';
import { linesOf, startFfmpeg, undecodable } from './ffmpeg-process.js';
import type { FrameTimes } from './ffmpeg-scan.js';
import { planStretches, type Stretch } from './ffmpeg-seek.js';
import type { RgbImage } from './image.js';

/** ffmpeg keeps a few frames for each thread; more threads hardly help one stream. */
const THREADS = '4';

/** One tick for each frame: no version of ffmpeg drops or doubles any, whatever the clip's time stamps are. */
const RENUMBER = 'settb=1/25,setpts=N';
const STEADY = ['-r', '25'];

/** How many frames decode. @throws ERR_VIDEO_DECODE when none does */
export async function countFrames(clip: Clip): Promise<number> {
  const output = ['-vf', RENUMBER, ...STEADY, '-f', 'null', '-progress', 'pipe:1', '-'];
  const run = startFfmpeg(clip.tools.ffmpeg, ffmpegArgs(clip, [], output), runOptions(clip));
  try {
    let count = 0;
    for await (const line of linesOf(run.stdout)) {
      if (line.startsWith('frame=')) count = Number.parseInt(line.slice('frame='.length), 10);
    }
    const { stderr } = await run.exit;
    clip.signal.throwIfAborted();
    // Damage at the end may fail the run, but what decoded before it counts.
    if (!(count > 0)) throw undecodable(clip.label, await whyNoFrames(clip.path), { stderr });
    return count;
  } finally {
    await run.end();
  }
}

/**
 * One picture for each number. Where a damaged clip decodes to fewer frames than its packets promised,
 * its last frame stands for the missing ones.
 * @param indices frame numbers, ascending, each once
 * @param times where the frames are known by their time
 * @throws ERR_VIDEO_DECODE when nothing decodes; an abort rejects with `signal.reason`
 */
export async function* decodeFrames(
  clip: Clip,
  indices: readonly number[],
  times?: FrameTimes,
): AsyncGenerator<RgbImage> {
  let delivered = 0;
  let expected = 0;
  for (const stretch of times ? planStretches(indices, times) : []) {
    expected += stretch.times.length;
    for await (const image of decodeStretch(clip, stretch)) {
      delivered++;
      yield image;
    }
    if (delivered < expected) break;
  }
  // Rare clips do not decode cleanly from a keyframe (gradual refresh, damage): from the start then.
  if (delivered < indices.length) yield* decodeCounted(clip, indices.slice(delivered));
}

/** Yields the stretch's frames up to one that is not found, never another frame. */
function decodeStretch(clip: Clip, { enterAt, times }: Stretch): AsyncGenerator<RgbImage> {
  const inOrder = anyOf(times.map((time, order) => `eq(pts,${time})*eq(selected_n,${order})`));
  const filter = `trim=end_pts=${times.at(-1)! + 1},select=`;
  const count = times.length;
  if (enterAt === null)
    return decode(clip, { input: ['-copyts'], filter: `${filter}'${inOrder}'`, count });
  const enter = ['-seek_timestamp', '1', '-ss', enterAt.toFixed(6), '-noaccurate_seek', '-copyts'];
  // Entered anywhere but at an intra picture, the decoder would invent what it has not seen.
  const isSound = 'st(0,if(n,ld(0),eq(pict_type,I)))';
  return decode(clip, { input: enter, filter: `${filter}'${isSound}*(${inOrder})'`, count });
}

async function* decodeCounted(clip: Clip, indices: readonly number[]): AsyncGenerator<RgbImage> {
  let delivered = 0;
  for await (const image of decodeNumbers(clip, indices)) {
    delivered++;
    yield image;
  }
  if (delivered === indices.length) return;
  const lastIndex = (await countFrames(clip)) - 1;
  for await (const last of decodeNumbers(clip, [lastIndex])) {
    for (; delivered < indices.length; delivered++) yield last;
  }
}

function decodeNumbers(clip: Clip, indices: readonly number[]): AsyncGenerator<RgbImage> {
  return decode(clip, {
    input: ['-reinit_filter', '0'], // a change of size would start the count anew
    filter: `select='${anyOf(indices.map((index) => `eq(n,${index})`))}'`,
    count: indices.length,
  });
}

/** A balanced sum: ffmpeg's expressions may not nest deeper than 100, and a flat sum nests with each term. */
function anyOf(terms: string[]): string {
  if (terms.length === 1) return terms[0]!;
  const middle = terms.length >> 1;
  return `(${anyOf(terms.slice(0, middle))}+${anyOf(terms.slice(middle))})`;
}

interface Request {
  input: string[];
  filter: string;
  count: number;
}

async function* decode(clip: Clip, { input, filter, count }: Request): AsyncGenerator<RgbImage> {
  const filters = `${filter},${RENUMBER},scale=flags=bicubic,format=rgb24`;
  const output = ['-vf', filters, ...STEADY, '-frames:v', String(count)];
  const pipe = ['-f', 'image2pipe', '-c:v', 'ppm', '-threads', '1', '-'];
  const args = ffmpegArgs(clip, input, [...output, ...pipe]);
  const run = startFfmpeg(clip.tools.ffmpeg, args, runOptions(clip));
  try {
    yield* readPpm(run.stdout, maxDecodedPixels(clip.maxFramePixels));
    await run.exit;
    clip.signal.throwIfAborted();
  } finally {
    await run.end();
  }
}

function ffmpegArgs(clip: Clip, input: string[], output: string[]): string[] {
  const common = ['-nostdin', '-hide_banner', '-v', 'error', '-threads', THREADS];
  return [...common, ...input, ...inputArgs(clip), '-map', `0:${VIDEO_STREAM}`, ...output];
}
