import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findFfmpeg } from '../../media/ffmpeg-tools.js';

export interface FfmpegReport {
  /** Program and what it calls its version. */
  ffmpeg: string;
  version: string;
  /** Null without ffprobe, which only saves time. */
  ffprobe: string | null;
}

/** @throws ERR_FFMPEG_NOT_FOUND */
export async function examineFfmpeg(): Promise<FfmpegReport> {
  const { ffmpeg, ffprobe } = await findFfmpeg({});
  const { stdout } = await promisify(execFile)(ffmpeg, ['-version'], { windowsHide: true });
  const [, version = 'unknown'] = /^ffmpeg version (\S+)/.exec(stdout) ?? [];
  return { ffmpeg, version, ffprobe: ffprobe ?? null };
}
