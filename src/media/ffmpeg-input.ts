/** A clip on disk and how ffmpeg and ffprobe are told to open it. */
import { memoryFor } from './ffmpeg-fence.js';
import type { RunOptions } from './ffmpeg-process.js';
import type { FfmpegTools } from './ffmpeg-tools.js';

export interface Clip {
  path: string;
  /** Of a file without a name, which the programs get as the first that is open beside the usual three. */
  fd?: number;
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

/**
 * Decoders of what people have; the hundreds of others are where the holes are. Those of sound and text are opened when a
 * clip is looked at.
 */
const VIDEO_CODECS =
  'h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg1video,mpeg2video,msmpeg4v1,msmpeg4v2,msmpeg4,' +
  'wmv1,wmv2,wmv3,vc1,h263,flv,theora,mjpeg,mjpegb,prores,dnxhd,ffv1,gif,png,apng,dvvideo,rawvideo,huffyuv,ffvhuff,' +
  'utvideo,qtrle,rv10,rv20,rv30,rv40,cinepak,svq1,svq3,vp6,vp6f,cfhd';
const OTHER_CODECS =
  'aac,mp1,mp1float,mp2,mp2float,mp3,mp3float,ac3,eac3,opus,libopus,vorbis,libvorbis,flac,alac,amrnb,amrwb,wmav1,wmav2,wmapro,' +
  'pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s32le,pcm_f32le,pcm_mulaw,pcm_alaw,adpcm_ms,adpcm_ima_wav,mov_text,subrip,srt,ass,webvtt';

/** Works for both programs. `file:` keeps a path that looks like an option or an address a path. */
export function inputArgs({ path, fd, maxFramePixels }: Clip): string[] {
  const guards = ['-protocol_whitelist', 'file', '-format_whitelist', FORMATS];
  const codecs = ['-codec_whitelist', `${VIDEO_CODECS},${OTHER_CODECS}`];
  const maxPixels = String(maxDecodedPixels(maxFramePixels));
  return [
    ...guards,
    ...codecs,
    '-max_pixels',
    maxPixels,
    '-i',
    `file:${fd === undefined ? path : '/proc/self/fd/3'}`,
  ];
}

/** The decoder counts its own margins too, so this only keeps it from absurd allocations. */
export function maxDecodedPixels(maxFramePixels: number): number {
  return Math.floor(Math.min(2 * maxFramePixels + 2 ** 16, 2 ** 31 - 1));
}

/** How the programs are run on a clip. */
export function runOptions({ tools, fd, maxFramePixels, signal }: Clip): RunOptions {
  return { signal, fd, fence: tools.fence(memoryFor(maxFramePixels)) };
}

/** The first video stream that is not a cover picture. */
export const VIDEO_STREAM = 'V:0';
