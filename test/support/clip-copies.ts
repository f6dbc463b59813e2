/** Copies of clips that this process holds below a folder; on Linux they have no name. */
import { readdirSync, readlinkSync } from 'node:fs';

export function clipCopies(folder: string): string[] {
  return [...readdirSync(folder), ...(process.platform === 'linux' ? nameless(folder) : [])];
}

function nameless(folder: string): string[] {
  return readdirSync('/proc/self/fd')
    .map(targetOf)
    .filter((target) => target.startsWith(`${folder}/`) && target.endsWith('/clip (deleted)'));
}

/** The file that was listed last is closed already. */
function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
