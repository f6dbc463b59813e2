/**
 * Our CPU kernels beside ggml's and f64, by the programs of native/kernels-test (npm run test:kernels). Where other scripts
 * built them, LLAVAOV_KERNELS says: with sanitizers (`npm run sanitize -- --kernels`), or for another architecture
 * (`npm run test:cpus -- --kernels`): an emulator runs those fifty times slower, so fewer of their cases.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const { LLAVAOV_KERNELS } = process.env;
interface Programs {
  folder: string;
  emulator?: string[];
  /** Of weights and of caches; all without. */
  types?: string[];
}
const {
  folder: FOLDER,
  emulator,
  types,
}: Programs = LLAVAOV_KERNELS
  ? JSON.parse(LLAVAOV_KERNELS)
  : { folder: join(import.meta.dirname, '../../.build/cmake/kernels') };
/** What such a program ends with on a CPU without its instruction set. */
const CANNOT_RUN = 3;

const X64 = ['x64-amx', 'x64-v4-vnni', 'x64-v4', 'x64-v3-vnni', 'x64-v3'];
export const VARIANTS = emulator || process.arch === 'arm64' ? ['arm64'] : X64;
export const hasPrograms = VARIANTS.every((name) =>
  existsSync(join(FOLDER, `kernels-products-${name}`)),
);

export const NOTHING =
  'this CPU has not the instruction set, or the types asked for have no such case';
/** How many cases there must be: none of them where some types alone were asked for. */
export const least = (count: number) => (types ? 0 : count);

/** A case a line of JSON, numbers that are none as null; null where there is nothing to compare. */
export async function compare<T>(what: string, variant: string): Promise<T[] | null> {
  const file = join(FOLDER, `kernels-${what}-${variant}`);
  const command = emulator ? [...emulator, file, 'brief'] : [file];
  const lines: string[] = [];
  for (const type of types ?? [''])
    lines.push(...(await linesOf([...command, type].filter(Boolean))));
  return lines.length > 0 ? lines.map((line) => JSON.parse(line)) : null;
}

function linesOf([command, ...args]: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(command!, args, { maxBuffer: 1 << 26 }, (error, output) => {
      if (error && error.code !== CANNOT_RUN) return reject(error);
      if (!error && !output && !types) return reject(new Error(`${command} printed no case`));
      const lines = output.replaceAll(/:-?(nan|inf)/g, ':null').split('\n');
      resolve(lines.filter(Boolean));
    });
  });
}
