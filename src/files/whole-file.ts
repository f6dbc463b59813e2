/** Files are written under hidden temporary names beside their targets, `.NAME.PID-….tmp`, and renamed when complete. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LlavaError } from '../errors.js';

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
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw writeError(folder, cause);
  });
  for (const name of await readdir(folder))
    for (const path of paths) {
      const prefix = temporaryPrefix(path);
      const [, pid] = name.startsWith(prefix)
        ? (/^(\d+)-\w+\.tmp$/.exec(name.slice(prefix.length)) ?? [])
        : [];
      if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
    }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Writes a small file, or replaces it. @throws ERR_WRITE */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw writeError(path, cause);
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
