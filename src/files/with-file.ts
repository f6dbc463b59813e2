/** The files that this package reads and writes are opened here: regular ones, for as long as they are needed. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const FLAGS = {
  r: constants.O_RDONLY,
  'r+': constants.O_RDWR,
  wx: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
};

/** Opens a file for the time of `work`. @throws what `openFile` and `work` do */
export async function withFile<T>(
  path: string,
  flags: keyof typeof FLAGS,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await openFile(path, flags);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** To be closed. @throws as the system does, for a pipe, a device or a folder too */
export async function openFile(path: string, flags: keyof typeof FLAGS = 'r'): Promise<FileHandle> {
  // A pipe would otherwise be waited for until somebody writes to it.
  const file = await open(path, FLAGS[flags] | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await file.stat();
    if (!stats.isFile())
      throw Object.assign(new Error(`expected a file but found ${kindOf(stats)}: ${path}`), {
        syscall: 'open',
      });
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}
