/**
 * What is put before ffmpeg on Linux, so that a clip cannot have it take all memory, reach the network or outlive us: programs of
 * util-linux, as many as work here and let ffmpeg work. Elsewhere, and without them, ffmpeg runs bare; docs/security.md says
 * what a wrapper of one's own can do.
 */
import { execFile } from 'node:child_process';

/** Words before the program. */
export type Fence = (memoryBytes: number) => string[];

/** Far beyond any clip; for the case that nobody is left to end it. */
const CPU_SECONDS = 4 * 3600;
/** Of address space, for programs, threads and buffers. */
const BASE_BYTES = 2 ** 31;
/** Enough for a decoder's reference frames of 16 bits, in all its threads. */
const BYTES_PER_PIXEL = 48;
const ANSWER_WITHIN_MS = 10_000;

const BARE: Fence = () => [];
const limits: Fence = (memoryBytes) => [
  ...['prlimit', `--as=${memoryBytes}`, `--cpu=${CPU_SECONDS}`, '--core=0', '--'],
  // It goes when we go, however we do.
  ...['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', '--'],
];
/** Root would lose its right to read the files of others in a user namespace, and needs none. */
const offline: Fence = (memoryBytes) => [
  ...['unshare', ...(process.getuid?.() === 0 ? [] : ['--user']), '--net', '--'],
  ...limits(memoryBytes),
];

/** What a clip of such frames may take. */
export function memoryFor(maxFramePixels: number): number {
  return BASE_BYTES + Math.round(BYTES_PER_PIXEL * Math.min(maxFramePixels, 2 ** 31));
}

const known = new Map<string, Promise<Fence>>();

/** The strongest within which the program answers `-version`. */
export function fenceFor(program: string): Promise<Fence> {
  if (process.platform !== 'linux') return Promise.resolve(BARE);
  const fence = known.get(program) ?? strongest(program);
  known.set(program, fence);
  return fence;
}

async function strongest(program: string): Promise<Fence> {
  for (const fence of [offline, limits])
    if (await answers([...fence(BASE_BYTES), program, '-version'])) return fence;
  return BARE;
}

function answers([program = '', ...args]: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: ANSWER_WITHIN_MS }, (error) => resolve(error === null));
  });
}
