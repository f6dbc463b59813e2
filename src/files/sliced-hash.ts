/** SHA-256 of what is in memory, a megabyte at a time: the cache of a conversation has hundreds, and its hash would hold up
 *  everything else. */
import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_BYTES = 1 << 20;

export async function sha256(bytes: Uint8Array): Promise<Buffer> {
  const hash = createHash('sha256');
  await updateInSlices(hash, bytes);
  return hash.digest();
}

export async function updateInSlices(hash: Hash, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
    if (from > 0) await nextTurn();
    hash.update(bytes.subarray(from, from + SLICE_BYTES));
  }
}
