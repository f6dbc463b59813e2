/** Whether a file or folder is there. One that Node's permission model keeps from us counts as absent: existsSync throws of it. */
import { existsSync } from 'node:fs';

export function isThere(path: string): boolean {
  try {
    return existsSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') return false;
    throw error;
  }
}
