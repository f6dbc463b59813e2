/**
 * Finds ffmpeg and, where there is one, ffprobe. A program counts as found when it answers `-version`.
 * ffmpeg is needed; ffprobe only saves time (and tells frame rate and duration), so its absence is no error.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { basename, dirname, join, sep } from 'node:path';
import { LlavaError } from '../errors.js';
import { type Fence, fenceFor } from './ffmpeg-fence.js';

export interface FfmpegTools {
  ffmpeg: string;
  ffprobe: string | undefined;
  /** What is put before both. */
  fence: Fence;
}

export interface FfmpegPaths {
  /** Path of the program; without it $LLAVAOV_FFMPEG, then the one on PATH, then @ffmpeg-installer/ffmpeg. */
  ffmpegPath?: string;
  /** Path of ffprobe; without it $LLAVAOV_FFPROBE, then ffmpeg's folder, PATH, @ffprobe-installer/ffprobe. */
  ffprobePath?: string;
}

const ANSWER_WITHIN_MS = 10_000;

/** @throws ERR_FFMPEG_NOT_FOUND, also for a path that was asked for and does not run */
export async function findFfmpeg(paths: FfmpegPaths): Promise<FfmpegTools> {
  const { LLAVAOV_FFMPEG, LLAVAOV_FFPROBE } = process.env;
  const wanted = paths.ffmpegPath ?? LLAVAOV_FFMPEG;
  const ffmpeg = await firstThatRuns(
    wanted ? [wanted] : ['ffmpeg', ...npmBinary('@ffmpeg-installer/ffmpeg')],
  );
  const wantedProbe = paths.ffprobePath ?? LLAVAOV_FFPROBE;
  const ffprobe = firstThatRuns(
    wantedProbe
      ? [wantedProbe]
      : [...besides(ffmpeg), 'ffprobe', ...npmBinary('@ffprobe-installer/ffprobe')],
  );
  return {
    ffmpeg,
    ffprobe: await (wantedProbe ? ffprobe : ffprobe.catch(() => undefined)),
    fence: await fenceFor(ffmpeg),
  };
}

async function firstThatRuns(candidates: string[]): Promise<string> {
  const tried: string[] = [];
  for (const program of candidates) {
    const problem = await problemWith(program);
    if (problem === null) return program;
    tried.push(`${program} (${problem})`);
  }
  throw notFound(tried);
}

/** Programs that answered; failures are not kept, so that an installation is noticed. */
const working = new Set<string>();

function problemWith(program: string): Promise<string | null> {
  if (working.has(program)) return Promise.resolve(null);
  const options = { timeout: ANSWER_WITHIN_MS, windowsHide: true };
  return new Promise((resolve) => {
    execFile(program, ['-version'], options, (error) => {
      if (error === null) working.add(program);
      resolve(error === null ? null : reasonOf(error));
    });
  });
}

function reasonOf(error: Error & { code?: unknown; killed?: boolean }): string {
  if (error.code === 'ENOENT') return 'no such program';
  if (error.killed) return 'no answer';
  return typeof error.code === 'string' ? error.code : `-version failed with ${error.code}`;
}

/** A static build unpacked by the user: both programs lie in one folder. */
function besides(ffmpeg: string): string[] {
  if (!ffmpeg.includes('/') && !ffmpeg.includes(sep)) return [];
  return [join(dirname(ffmpeg), basename(ffmpeg).replace(/ffmpeg/i, 'ffprobe'))];
}

/** These packages carry the binary itself; they are the app's to install, so the app's folder is asked too. */
function npmBinary(name: string): string[] {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return [createRequire(from)(name).path];
    } catch {
      // Not installed there, or not for this platform.
    }
  }
  return [];
}

function notFound(tried: string[]): LlavaError {
  return new LlavaError(
    'ERR_FFMPEG_NOT_FOUND',
    `Reading video files needs ffmpeg, and none runs here; tried ${tried.join(', ')}. ` +
      'Install it (apt install ffmpeg, brew install ffmpeg, winget install ffmpeg) or add the npm packages ' +
      '@ffmpeg-installer/ffmpeg and @ffprobe-installer/ffprobe to your project; ' +
      'or name one by the option ffmpegPath or the environment variable LLAVAOV_FFMPEG',
    { tried },
  );
}
