/** A file below the media folder by its file: URL, links resolved. What is outside and what is not there get the same answer. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LlavaError } from '../../errors.js';
import { openFile } from '../../files/with-file.js';

export interface FileOptions {
  mediaDir: string | undefined;
  maxBytes: number;
  refuse: (reason: string) => LlavaError;
}

/** @throws what `refuse` makes */
export async function* readMediaFile(
  url: string,
  { mediaDir, maxBytes, refuse }: FileOptions,
): AsyncGenerator<Uint8Array> {
  if (mediaDir === undefined) throw refuse('this server reads no file: URLs');
  const notThere = refuse('there is no such file in the media folder');
  const folder = await realpath(mediaDir).catch(() => {
    throw notThere;
  });
  const file = await openBelow(folder, url).catch(() => {
    throw notThere;
  });
  try {
    // One byte more than allowed, so that whoever counts notices; a file may grow while it is read.
    yield* file.createReadStream({ autoClose: false, end: maxBytes });
  } finally {
    await file.close();
  }
}

async function openBelow(folder: string, url: string) {
  const path = fileURLToPath(url);
  if (path.includes('\0')) throw new Error('NUL');
  const real = await realpath(path);
  checkBelow(folder, real);
  const file = await openFile(real);
  try {
    // A folder on the way may have become a link meanwhile.
    if (process.platform === 'linux')
      checkBelow(folder, await realpath(`/proc/self/fd/${file.fd}`));
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function checkBelow(folder: string, path: string): void {
  const way = relative(folder, path);
  if (way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
    throw new Error('outside');
}
