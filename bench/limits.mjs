// What the machine gives at this moment, by the program that `npm run build:native -- --kernel-tests` makes. A virtual machine
// gives by a third more or less from minute to minute: so limits are measured before and behind whatever is compared with them.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SECONDS = 0.25; // of each kind

const PROGRAMS = {
  AMX: 'x64-amx',
  'AVX-512 VNNI': 'x64-v4-vnni',
  'AVX-512': 'x64-v4',
  'AVX-VNNI': 'x64-v3-vnni',
  AVX2: 'x64-v3',
};

/** @returns measures operations and bytes per second of all threads; undefined without kernels or the program */
export function limitsOf(threads, instructionSet) {
  const folder = join(import.meta.dirname, '../.build/cmake/kernels');
  const program = join(folder, `kernels-limits-${PROGRAMS[instructionSet]}`);
  if (!existsSync(program)) return undefined;
  /** @param kind 'read' alone, or all */
  return async (kind) => {
    const args = [threads, SECONDS, ...(kind ? [kind] : [])];
    return JSON.parse((await run(program, args.map(String))).stdout);
  };
}

/** Each one's mean of before and behind. */
export function between(before, after) {
  const means = Object.entries(before).map(([name, value]) => [
    name,
    typeof value === 'number' ? (value + after[name]) / 2 : value,
  ]);
  return Object.fromEntries(means);
}
