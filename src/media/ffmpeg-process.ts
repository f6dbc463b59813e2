/**
 * One run of ffmpeg or ffprobe: its output as a stream with back-pressure, its complaints bounded, its end certain.
 * It is killed outright (SIGKILL): it only reads and pipes, and a polite signal waits for a pipe nobody empties.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { LlavaError } from '../errors.js';

export interface FfmpegRun {
  readonly stdout: AsyncIterable<Buffer>;
  /** Settles when the process is gone and its output is read or dropped. */
  readonly exit: Promise<FfmpegExit>;
  /** Kills the process if it runs, and waits until it is gone. */
  end(): Promise<void>;
}

export interface FfmpegExit {
  isClean: boolean;
  /** What it wrote to stderr: the last MAX_STDERR characters. */
  stderr: string;
}

const MAX_STDERR = 4096;
const MAX_REASON = 300;

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Words before the program: ffmpeg-fence.ts. */
  fence?: readonly string[];
  /** An open file that the program has as its fourth. */
  fd?: number | undefined;
}

/** No shell; an abort kills at once. End the run in any case. */
export function startFfmpeg(
  program: string,
  args: readonly string[],
  { signal, fence = [], fd }: RunOptions = {},
): FfmpegRun {
  signal?.throwIfAborted();
  const [first = program, ...rest] = [...fence, program, ...args];
  const child = spawn(first, rest, {
    stdio: ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])],
    windowsHide: true,
  });
  const stdout = child.stdout!;
  const kill = () => void child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  const exit = watch(child).finally(() => signal?.removeEventListener('abort', kill));
  return {
    stdout,
    exit,
    async end() {
      kill();
      stdout.destroy();
      await exit;
    },
  };
}

function watch(child: ChildProcess): Promise<FfmpegExit> {
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  });
  return new Promise((resolve) => {
    // 'close' follows an 'error' of spawning as well.
    child.on('error', (error) => {
      stderr += error.message;
    });
    child.on('close', (code) => resolve({ isClean: code === 0, stderr }));
  });
}

/** The lines of a text output. */
export async function* linesOf(stdout: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stdout) {
    const lines = (rest + chunk.toString('latin1')).split(/\r?\n/);
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** A clip that cannot be read. `source` is a label for people; `stderr` becomes the reason, without addresses and paths. */
export function undecodable(
  source: string,
  reason: string,
  { stderr, cause }: { stderr?: string; cause?: unknown } = {},
): LlavaError {
  const complaint = stderr ? readable(stderr) : '';
  return new LlavaError(
    'ERR_VIDEO_DECODE',
    `Cannot read video ${source}: ${reason}${complaint && ` (ffmpeg: ${complaint})`}`,
    { source, stderr },
    { cause },
  );
}

function readable(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) =>
      line
        .replace(/^(\[[^\]]*\] )+/, '')
        .replace(/^.*file:.*?: (?=[A-Z])/, '')
        .replace(/(on whitelist) '.*/, '$1')
        .replace(/\b0x[\da-f]{4,}/gi, '…'),
    )
    .filter((line) => line.trim() !== '');
  return [...new Set(lines)].join('; ').slice(0, MAX_REASON);
}
