/**
 * What ffprobe tells about a clip without decoding it: frame rate, duration, and the time stamp of every packet.
 * Where each packet surely becomes one frame, the sorted stamps are the frame numbering (as decord numbers them),
 * found in a fraction of the time that decoding takes, and a frame can be looked up by its stamp.
 * @see decord video_reader.cc IndexKeyframes
 */
import { type Clip, inputArgs, runOptions, VIDEO_STREAM } from './ffmpeg-input.js';
import { type FfmpegRun, linesOf, startFfmpeg } from './ffmpeg-process.js';

export interface ClipScan {
  hasVideo: boolean;
  fps: number | undefined;
  durationSeconds: number | undefined;
  /** Absent where only decoding can tell the frames. */
  times: FrameTimes | undefined;
}

/** Presentation times in ticks of the stream, ascending. */
export interface FrameTimes {
  /** One for each frame: frame i is the one with the i-th time. */
  frames: Float64Array;
  /** Frames where decoding can start. */
  keyframes: Float64Array;
  secondsPerTick: number;
}

interface Packets {
  times: number[];
  keys: number[];
  /** Shown frames: an edit list drops the others. */
  shown: number[];
  isOrdinary: boolean;
}

type Fields = ReadonlyMap<string, string>;

/**
 * No invisible packets (VP8's alternate references), no packed or skipped frames (MPEG-4 part 2), no separate fields.
 */
const ONE_FRAME_PER_PACKET = ['h264', 'hevc', 'vp9', 'av1', 'mjpeg', 'prores', 'dnxhd', 'ffv1'];
/** Containers with reliable presentation times, and an index to seek by. */
const INDEXED = ['mov', 'matroska'];

const ENTRIES =
  'packet=pts,flags:stream=codec_name,time_base,avg_frame_rate,field_order,duration:format=format_name,duration';

/** Undefined when there is no ffprobe or it cannot read the clip: ffmpeg has the last word. */
export async function scanClip(clip: Clip): Promise<ClipScan | undefined> {
  if (clip.tools.ffprobe === undefined) return undefined;
  const args = ['-v', 'error', '-select_streams', VIDEO_STREAM, '-show_entries', ENTRIES];
  const run = startFfmpeg(
    clip.tools.ffprobe,
    [...args, '-of', 'compact', ...inputArgs(clip)],
    runOptions(clip),
  );
  try {
    return await readScan(run, clip.signal);
  } finally {
    await run.end();
  }
}

async function readScan(run: FfmpegRun, signal: AbortSignal): Promise<ClipScan | undefined> {
  const packets: Packets = { times: [], keys: [], shown: [], isOrdinary: true };
  const sections = new Map<string, Fields>();
  for await (const line of linesOf(run.stdout)) {
    const [section = '', ...pairs] = line.split('|');
    const fields = new Map(pairs.map((pair) => pair.split('=', 2) as [string, string]));
    if (section === 'packet') addPacket(packets, fields);
    else if (section !== '' && !sections.has(section)) sections.set(section, fields);
  }
  const { isClean, stderr } = await run.exit;
  signal.throwIfAborted();
  if (!isClean) return undefined;
  packets.isOrdinary &&= stderr === '';
  return summarise(packets, sections);
}

function addPacket(packets: Packets, fields: Fields): void {
  const time = Number.parseInt(fields.get('pts') ?? '', 10);
  const flags = fields.get('flags') ?? '';
  if (Number.isNaN(time) || flags.includes('C')) packets.isOrdinary = false;
  packets.times.push(time);
  if (flags.includes('K')) packets.keys.push(time);
  if (!flags.includes('D')) packets.shown.push(time);
}

function summarise(packets: Packets, sections: ReadonlyMap<string, Fields>): ClipScan {
  const stream = sections.get('stream') ?? new Map<string, string>();
  const format = sections.get('format') ?? new Map<string, string>();
  const isTrusted =
    packets.isOrdinary &&
    ONE_FRAME_PER_PACKET.includes(stream.get('codec_name') ?? '') &&
    ['progressive', 'unknown', undefined].includes(stream.get('field_order')) &&
    (format.get('format_name') ?? '').split(',').some((name) => INDEXED.includes(name));
  const secondsPerTick = fraction(stream.get('time_base'));
  return {
    hasVideo: sections.has('stream'),
    fps: fraction(stream.get('avg_frame_rate')),
    durationSeconds: seconds(format.get('duration')) ?? seconds(stream.get('duration')),
    times: isTrusted && secondsPerTick ? frameTimes(packets, secondsPerTick) : undefined,
  };
}

/** Undefined unless decoding starts with the first frame shown and every frame has a time of its own. */
function frameTimes({ times, keys, shown }: Packets, secondsPerTick: number) {
  const frames = Float64Array.from(shown).sort();
  const keyframes = Float64Array.from(keys).sort();
  const first = times[0];
  if (first === undefined || frames.length === 0) return undefined;
  if (keys[0] !== first || times.some((time) => time < first)) return undefined;
  if (frames.some((time, index) => time === frames[index + 1])) return undefined;
  return { frames, keyframes, secondsPerTick };
}

/** "30000/1001"; "0/0" is unknown. */
function fraction(text = ''): number | undefined {
  const [numerator, denominator] = text.split('/').map(Number);
  const value = numerator! / denominator!;
  return value > 0 && Number.isFinite(value) ? value : undefined;
}

function seconds(text = ''): number | undefined {
  const value = Number.parseFloat(text);
  return value > 0 ? value : undefined;
}
