/**
 * Our CPU kernels beside ggml's and f64, by the programs of native/kernels-test (npm run test:kernels). Where other scripts
 * built them, LLAVAOV_KERNELS says: with sanitizers (`npm run sanitize -- --kernels`), or for another architecture
 * (`npm run test:cpus -- --kernels`): an emulator runs those fifty times slower, so fewer of their cases.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const { LLAVAOV_KERNELS } = process.env;
const { folder: FOLDER, emulator }: { folder: string; emulator?: string[] } = LLAVAOV_KERNELS
  ? JSON.parse(LLAVAOV_KERNELS)
  : { folder: join(import.meta.dirname, '../../.build/cmake/kernels') };
/** What such a program ends with on a CPU without its instruction set. */
const CANNOT_RUN = 3;

const X64 = ['x64-amx', 'x64-v4-vnni', 'x64-v4', 'x64-v3-vnni', 'x64-v3'];
export const VARIANTS = emulator || process.arch === 'arm64' ? ['arm64'] : X64;
export const hasPrograms = VARIANTS.every((name) =>
  existsSync(join(FOLDER, `kernels-products-${name}`)),
);

/** One line of JSON a case, numbers that are none as null; null where this CPU cannot run it. */
export async function compare<T>(what: string, variant: string): Promise<T[] | null> {
  const file = join(FOLDER, `kernels-${what}-${variant}`);
  const [command, ...args] = emulator ? [...emulator, file, 'brief'] : [file];
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
