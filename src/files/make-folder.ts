/** Folders with all that is above them. Node's own `recursive` asks again for ever where nothing can be made, as in /proc. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** @throws as the system does */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    await makeFolder(above);
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // Roots of drives and folders of read-only disks give other codes than EEXIST.
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) throw error;
  }
}
