/**
 * Whole files or none: each is made under a hidden temporary name beside its target, `.NAME.PID-….tmp`, and renamed when
 * complete. What processes that were killed have left of a target is cleared when it is written again.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LlavaError } from '../errors.js';
import { makeFolder } from './make-folder.js';
import { withFile } from './with-file.js';

/** Writes a file, or replaces it, with `parts` one after the other. @throws ERR_WRITE */
export async function writeWhole(
  path: string,
  ...parts: readonly (string | Uint8Array)[]
): Promise<void> {
  await putWhole(path, (temporary) =>
    withFile(temporary, 'wx', async (file) => {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    }),
  );
}

/** @param make makes a file, or a link, of the name it is given @throws ERR_WRITE, whose cause is the system's error */
export async function putWhole(
  path: string,
  make: (temporary: string) => Promise<void>,
  temporary = temporaryName(path),
): Promise<void> {
  try {
    await clearLeft(dirname(path), [path]);
    await make(temporary);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeError(path, cause);
  }
}

export function temporaryName(path: string): string {
  const id = `${process.pid}-${randomBytes(4).toString('hex')}`;
  return join(dirname(path), `${temporaryPrefix(path)}${id}.tmp`);
}

function temporaryPrefix(path: string): string {
  return `.${basename(path)}.`;
}

/** Makes a folder, and clears it of what processes that were killed have left of the files that are to come.
 *  @throws ERR_WRITE */
export async function prepareFolder(folder: string, paths: readonly string[]): Promise<void> {
  try {
    await makeFolder(folder);
    await clearLeft(folder, paths);
  } catch (cause) {
    throw writeError(folder, cause);
  }
}

async function clearLeft(folder: string, paths: readonly string[]): Promise<void> {
  const prefixes = paths.map(temporaryPrefix);
  for (const name of await readdir(folder)) {
    const prefix = prefixes.find((start) => name.startsWith(start));
    const pid = prefix && /^(\d+)-\w+\.tmp$/.exec(name.slice(prefix.length))?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

export function writeError(path: string, cause: unknown): LlavaError {
  return new LlavaError(
    'ERR_WRITE',
    `Cannot write ${path}: ${(cause as Error).message}`,
    { path },
    { cause },
  );
}
