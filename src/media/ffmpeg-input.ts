/** A clip on disk and how ffmpeg and ffprobe are told to open it. */
import type { FfmpegTools } from './ffmpeg-tools.js';

export interface Clip {
  path: string;
  /** What people call it, for messages. */
  label: string;
  tools: FfmpegTools;
  /** Frames with more pixels are refused. */
  maxFramePixels: number;
  signal: AbortSignal;
}

/** Real containers only. A playlist or concat script is a list of other files and addresses to read from. */
const FORMATS =
  'mov,matroska,avi,mpegts,mpeg,flv,live_flv,asf,gif,apng,ogg,ivf,nut,mxf,dv,rm,wtv,swf,' +
  'h264,hevc,av1,obu,m4v,mpegvideo,mjpeg,yuv4mpegpipe,mp3,wav,flac,aac';

/** Works for both programs. `file:` keeps a path that looks like an option or an address a path. */
export function inputArgs({ path, maxFramePixels }: Clip): string[] {
  const guards = ['-protocol_whitelist', 'file', '-format_whitelist', FORMATS];
  // The decoder counts its own margins too, so this only keeps it from absurd allocations.
  const maxPixels = Math.floor(Math.min(2 * maxFramePixels + 2 ** 16, 2 ** 31 - 1));
  return [...guards, '-max_pixels', String(maxPixels), '-i', `file:${path}`];
}

/** The first video stream that is not a cover picture. */
export const VIDEO_STREAM = 'V:0';
