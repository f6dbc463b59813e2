/** The hub's names for contents: SHA-256 of files in large file storage, of others the SHA-1 that git gives them. */
import { createHash, type Hash } from 'node:crypto';
import { withFile } from '../files/with-file.js';

const STREAM = { highWaterMark: 1 << 20, autoClose: false };

/** @param size of the whole file, which git hashes with it */
export function etagHash({ etag, size }: { etag: string; size: number }): Hash {
  return etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** Reads a file. @returns whether it is what its etag says. @throws what the file system does, signal.reason */
export async function hasEtag(
  path: string,
  file: { etag: string; size: number },
  { onBytes, signal }: { onBytes?: (bytes: number) => void; signal?: AbortSignal } = {},
): Promise<boolean> {
  const hash = etagHash(file);
  let bytes = 0;
  await withFile(path, 'r', async (handle) => {
    for await (const piece of handle.createReadStream(STREAM)) {
      signal?.throwIfAborted();
      hash.update(piece);
      bytes += piece.length;
      onBytes?.(bytes);
    }
  });
  return hash.digest('hex') === file.etag;
}

export function isEtag(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** The SHA-256 that an etag tells, if it is one. */
export function sha256Of(etag: string): string | undefined {
  return etag.length === 64 ? etag : undefined;
}
