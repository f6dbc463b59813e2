/** llama.cpp's own programs, built from the tree the addon is built from (npm run test:interop), and our tower beside them. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../../src/addon/load-addon.js';
import type { NativeThreadPool } from '../../src/binding.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { randomUniform } from './random.js';

const FOLDER = join(import.meta.dirname, '../../.build/cmake/interop');
const PROGRAMS = [
  'llava-onevision-compare-towers',
  'llava-onevision-read-decoder',
  'llava-onevision-encode-picture',
  'llama-quantize',
  'llama-gguf-split',
] as const;
export const hasPrograms = PROGRAMS.every((name) => existsSync(join(FOLDER, name)));

/** @returns stdout. @throws with the end of stderr when it fails. */
export async function runProgram(
  name: (typeof PROGRAMS)[number],
  args: string[],
  { stdin = '', cwd }: { stdin?: string; cwd?: string } = {},
): Promise<string> {
  const child = spawn(join(FOLDER, name), args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let log = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  child.stdin.end(stdin);
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`${name}, exit ${status}:\n${log.slice(-2000)}`);
  return output;
}

/** Smooth colours above noise: [side, side, 3]. */
export function tileOf(side: number): Uint8Array {
  const random = randomUniform(7);
  return Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / (3 * side))];
    return y < side / 2 ? (255 * x) / side : 256 * random();
  });
}

/** What our tower makes of a tile: [nPatches, nProjection]. */
export async function ourRows(
  mmproj: string,
  tile: Uint8Array,
  pool: NativeThreadPool,
): Promise<Float32Array> {
  const config = await readVisionConfig(mmproj);
  const options = {
    ...config,
    imageMean: Float32Array.from(config.imageMean),
    imageStd: Float32Array.from(config.imageStd),
    useGpu: false,
  };
  const encoder = await native().loadVisionEncoder(options, pool, null);
  const rows = new Float32Array(encoder.nPatches * config.nProjection);
  await encoder.encode(tile, rows, null);
  await encoder.dispose();
  return rows;
}

/** |a - b| / |b| */
export function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  const square = (sum: number, value: number) => sum + value * value;
  const difference = actual.map((value, i) => value - expected[i]!).reduce(square, 0);
  return Math.sqrt(difference / expected.reduce(square, 0));
}
