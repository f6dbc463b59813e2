/** Our CPU kernels beside ggml's and f64, by the programs of native/kernels-test (npm run test:kernels). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../.build/cmake/kernels');
/** What such a program ends with on a CPU without its instruction set. */
const CANNOT_RUN = 3;

export const VARIANTS = ['x64-amx', 'x64-v4-vnni', 'x64-v4', 'x64-v3-vnni', 'x64-v3'] as const;
export const hasPrograms = VARIANTS.every((name) =>
  existsSync(join(FOLDER, `kernels-products-${name}`)),
);

/** One line of JSON a case, numbers that are none as null; null where this CPU cannot run it. */
export async function compare<T>(what: string, variant: string): Promise<T[] | null> {
  const file = join(FOLDER, `kernels-${what}-${variant}`);
  const stdout = await new Promise<string | null>((resolve, reject) => {
    execFile(file, { maxBuffer: 1 << 26 }, (error, output) => {
      if (error?.code === CANNOT_RUN) resolve(null);
      else if (error) reject(error);
      else resolve(output);
    });
  });
  const lines = stdout?.trim().split('\n');
  return lines?.map((line) => JSON.parse(line.replaceAll(/:-?(nan|inf)/g, ':null'))) ?? null;
}
