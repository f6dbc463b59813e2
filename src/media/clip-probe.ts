/** How long and how large a clip is by its container, without decoding: to refuse what is too much before anything is. */
import { type Clip, inputArgs, runOptions, VIDEO_STREAM } from './ffmpeg-input.js';
import { linesOf, startFfmpeg } from './ffmpeg-process.js';

export interface ClipFacts {
  /** Pixels of a frame as the container has it; 0 where it does not say. */
  pixels: number;
  /** Packets, counted: about as many as frames. */
  nPackets: number;
  /** The longest that the container or the stream claims; 0 where neither does. */
  seconds: number;
}

const ENTRIES =
  'stream=codec_name,width,height,nb_read_packets,duration:format=duration:format_tags=';

/** Undefined for what ffprobe cannot open or has no decoder for, and for what has no picture. */
export async function probeClip(clip: Clip, ffprobe: string): Promise<ClipFacts | undefined> {
  const shown = ['-select_streams', VIDEO_STREAM, '-count_packets', '-show_entries', ENTRIES];
  const args = ['-v', 'quiet', ...shown, '-of', 'flat', ...inputArgs(clip)];
  const run = startFfmpeg(ffprobe, args, runOptions(clip));
  try {
    const fields = new Map<string, string>();
    for await (const line of linesOf(run.stdout)) {
      const [, name, value] = /^(streams\.stream\.0|format)\.(.*)$/.exec(line) ?? [];
      if (name && value) fields.set(...split(name, value));
    }
    const { isClean } = await run.exit;
    clip.signal.throwIfAborted();
    return isClean ? factsOf(fields) : undefined;
  } finally {
    await run.end();
  }
}

/** `codec_name="h264"` */
function split(section: string, text: string): [string, string] {
  const [name = '', value = ''] = text.split('=', 2);
  return [section === 'format' ? `format.${name}` : name, value.replace(/^"|"$/g, '')];
}

function factsOf(fields: ReadonlyMap<string, string>): ClipFacts | undefined {
  if (!fields.has('codec_name')) return undefined;
  const number = (name: string) => Number(fields.get(name)) || 0;
  return {
    pixels: number('width') * number('height'),
    nPackets: number('nb_read_packets'),
    seconds: Math.max(number('duration'), number('format.duration')),
  };
}
