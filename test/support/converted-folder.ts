/**
 * Where a run of vitest keeps the checkpoints that its tests have converted: all its processes share one folder. As the
 * `globalSetup` of vitest.config.ts it removes what runs that were killed have left, and in the end its own.
 */
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'llava-onevision-test-';
/** Those that the run starts inherit it. */
process.env.LLAVAOV_TEST_RUN ??= String(process.pid);
export const CONVERTED = join(tmpdir(), NAME + process.env.LLAVAOV_TEST_RUN);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function setup(): () => void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(NAME) ? Number(name.slice(NAME.length)) : Number.NaN;
    if (Number.isInteger(pid) && !isRunning(pid))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
  return () => rmSync(CONVERTED, { recursive: true, force: true });
}
