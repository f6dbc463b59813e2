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
  // Some network file systems do not tell.
  const info = await statfs(folder).catch(() => undefined);
  if (!info || info.blocks === 0) return;
  const available = info.bavail * info.bsize;
  if (needed <= available) return;
  throw new LlavaError(
    'ERR_DISK_FULL',
    `The download needs ${needed} bytes but ${folder} has room for ${available}. ` +
      'Free some, or put the cache on another disk with HF_HUB_CACHE.',
    { path: folder, needed, available },
  );
}
