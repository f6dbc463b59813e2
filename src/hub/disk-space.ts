/** Whether a download fits, asked before it begins. */
import { statfs } from 'node:fs/promises';
import { LlavaError } from '../errors.js';
import { makeFolder } from '../files/make-folder.js';
import { cacheWriteError } from './cache-error.js';

/** @throws ERR_DISK_FULL, ERR_WRITE when the folder cannot be made */
export async function checkDiskSpace(folder: string, needed: number): Promise<void> {
  await makeFolder(folder).catch((cause) => {
    throw cacheWriteError(folder, cause);
  });
  const available = await freeBytes(folder);
  if (available === undefined || needed <= available) return;
  throw new LlavaError(
    'ERR_DISK_FULL',
    `The download needs ${needed} bytes but ${folder} has room for ${available}. ` +
      'Free some, or put the cache on another disk with HF_HUB_CACHE.',
    { path: folder, needed, available },
  );
}

/** @returns undefined for a file system that does not tell, as some of networks */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const info = await statfs(folder).catch(() => undefined);
  return info && info.blocks > 0 ? info.bavail * info.bsize : undefined;
}
