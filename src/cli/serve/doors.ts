/** What `serve` opens to others, checked before a model is loaded: hosts and a folder of media, sites whose pages may ask. */
import { stat } from 'node:fs/promises';
import { invalidArgument, type LlavaError } from '../../errors.js';

export interface DoorFlags {
  allowOrigin?: string[];
  mediaDir?: string;
  allowMediaUrl?: string[];
}

/** @throws ERR_INVALID_ARGUMENT naming the flag */
export async function checkDoors(flags: DoorFlags): Promise<void> {
  const { allowOrigin = [], mediaDir, allowMediaUrl = [] } = flags;
  if (allowOrigin.length > 0) {
    const { checkOrigin } = await import('../../server/allowed-origin.js');
    for (const origin of allowOrigin) checkOrigin('allowOrigin', origin);
  }
  if (mediaDir !== undefined && !(await isFolder(mediaDir)))
    throw invalidArgument('mediaDir', 'a folder that is there', mediaDir);
  if (allowMediaUrl.length === 0) return;
  const { parseAllowed } = await import('../../server/media/allowed-urls.js');
  for (const entry of allowMediaUrl)
    try {
      parseAllowed(entry);
    } catch (error) {
      throw invalidArgument('allowMediaUrl', String((error as LlavaError).expected), entry);
    }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}
