/** Whether a download and what is made of it fit on the disks they go to, which may be one. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { byteSize } from '../byte-size.js';
import { LlavaError } from '../errors.js';
import { freeBytes } from '../hub/disk-space.js';
import { incompleteBytes } from '../hub/partial-file.js';
import type { PulledFile } from '../hub/pull.js';
import type { RepoCache } from '../hub/repo-cache.js';
import { modelsFolder } from './model-cache.js';

/** @param downloads folder of the downloads @returns what is free for converted files, as far as the system tells
 *  @throws ERR_DISK_FULL */
export async function checkDisks(
  downloads: string,
  { downloadBytes, convertBytes }: { downloadBytes: number; convertBytes: number },
): Promise<number | undefined> {
  const [from, to] = await Promise.all([diskOf(downloads), diskOf(modelsFolder())]);
  if (from.disk !== to.disk) check(from, downloadBytes, 'HF_HUB_CACHE');
  const needed = convertBytes + (from.disk === to.disk ? downloadBytes : 0);
  check(
    to,
    needed,
    from.disk === to.disk ? 'HF_HUB_CACHE and LLAVA_ONEVISION_CACHE' : 'LLAVA_ONEVISION_CACHE',
  );
  return to.free;
}

/** What earlier downloads have left of files. */
export async function begunBytes(cache: RepoCache, files: readonly PulledFile[]): Promise<number> {
  const sizes = files.map(({ sha256 }) => (sha256 ? incompleteBytes(cache.blob(sha256)) : 0));
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
}

interface Disk {
  disk: number | undefined;
  free: number | undefined;
  folder: string;
}

/** Of a folder that may not be there yet. */
async function diskOf(folder: string): Promise<Disk> {
  const info = await stat(folder).catch(() => undefined);
  if (!info && dirname(folder) !== folder) return diskOf(dirname(folder));
  return { disk: info?.dev, free: await freeBytes(folder), folder };
}

function check({ free, folder }: Disk, needed: number, variable: string): void {
  if (free === undefined || needed <= free) return;
  throw new LlavaError(
    'ERR_DISK_FULL',
    `About ${byteSize(needed)} are needed, the download and the converted files, but ${folder} has room for ${byteSize(free)}. ` +
      `Free some, or name folders on another disk: ${variable}.`,
    { path: folder, needed, available: free },
  );
}
