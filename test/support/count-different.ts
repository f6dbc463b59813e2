/** How many of several files, each as its parts, differ. */
import { createHash } from 'node:crypto';

export function countDifferent(files: (string | Uint8Array)[][]): number {
  const hashes = files.map((parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  });
  return new Set(hashes).size;
}
