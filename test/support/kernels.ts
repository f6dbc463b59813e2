/**
 * Our CPU kernels beside ggml's and f64, by the programs of native/kernels-test (npm run test:kernels). Those of another
 * architecture run in an emulator, fifty times slower, so fewer of their cases: where `npm run test:cpus -- --kernels`
 * says how in LLAVAOV_EMULATED_KERNELS.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

interface Emulated {
  folder: string;
  command: string[];
}

const { LLAVAOV_EMULATED_KERNELS } = process.env;
const emulated: Emulated | null = LLAVAOV_EMULATED_KERNELS
  ? JSON.parse(LLAVAOV_EMULATED_KERNELS)
  : null;
const FOLDER = emulated?.folder ?? join(import.meta.dirname, '../../.build/cmake/kernels');
/** What such a program ends with on a CPU without its instruction set. */
const CANNOT_RUN = 3;

const X64 = ['x64-amx', 'x64-v4-vnni', 'x64-v4', 'x64-v3-vnni', 'x64-v3'];
export const VARIANTS = emulated || process.arch === 'arm64' ? ['arm64'] : X64;
export const hasPrograms = VARIANTS.every((name) =>
  existsSync(join(FOLDER, `kernels-products-${name}`)),
);

/** One line of JSON a case, numbers that are none as null; null where this CPU cannot run it. */
export async function compare<T>(what: string, variant: string): Promise<T[] | null> {
  const file = join(FOLDER, `kernels-${what}-${variant}`);
  const [command, ...args] = emulated ? [...emulated.command, file, 'brief'] : [file];
  const stdout = await new Promise<string | null>((resolve, reject) => {
    execFile(command!, args, { maxBuffer: 1 << 26 }, (error, output) => {
      if (error?.code === CANNOT_RUN) resolve(null);
      else if (error) reject(error);
      else resolve(output);
    });
  });
  const lines = stdout?.trim().split('\n');
  return lines?.map((line) => JSON.parse(line.replaceAll(/:-?(nan|inf)/g, ':null'))) ?? null;
}
