/**
 * SHA-256 of files, kept beside them in `NAME.sha256` as sha256sum writes it: a line `HEX  NAME` for each file, so that
 * `sha256sum -c NAME.sha256` in their folder checks them. A split decoder has one such file, beside its first part.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readText } from '../files/read-whole.js';
import { withFile } from '../files/with-file.js';
import { modelLoadError } from './reader.js';

const PIECE_BYTES = 1 << 20;

export interface HashOptions {
  signal?: AbortSignal;
  /** Called after each piece. */
  onBytes?: (bytes: number) => void;
}

export interface FileChecksum {
  path: string;
  sha256: string;
}

/** In hex. @throws what the file system does, signal.reason */
export function sha256File(path: string, options: HashOptions = {}): Promise<string> {
  return withFile(path, 'r', (file) => hashPieces(file, options));
}

async function hashPieces(file: FileHandle, options: HashOptions): Promise<string> {
  const hash = createHash('sha256');
  // While one piece is hashed, the next is being read.
  const pieces = [Buffer.allocUnsafe(PIECE_BYTES), Buffer.allocUnsafe(PIECE_BYTES)] as const;
  let pending = file.read(pieces[0], 0, PIECE_BYTES);
  for (let i = 1; ; i++) {
    options.signal?.throwIfAborted();
    const { bytesRead, buffer } = await pending;
    if (bytesRead === 0) return hash.digest('hex');
    pending = file.read(pieces[i % 2]!, 0, PIECE_BYTES);
    hash.update(buffer.subarray(0, bytesRead));
    options.onBytes?.(bytesRead);
  }
}

export function checksumPath(path: string): string {
  return `${path}.sha256`;
}

export function checksumText(files: readonly FileChecksum[]): string {
  return files.map(({ path, sha256 }) => `${sha256}  ${basename(path)}\n`).join('');
}

/** Reads a file, with its other parts if it has any, and compares. @returns what was compared.
 *  @throws ERR_MODEL_LOAD when there is no `.sha256` beside it, or one that says something else */
export async function verifyChecksum(
  path: string,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (fraction: number) => void } = {},
): Promise<FileChecksum[]> {
  const files = await readChecksums(path);
  const failed = (file: string) => (cause: Error) => {
    signal?.throwIfAborted();
    throw modelLoadError(file, cause.message, cause);
  };
  let total = 0;
  for (const { path: file } of files) total += (await stat(file).catch(failed(file))).size;
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    onProgress?.(done / total);
  };
  for (const { path: file, sha256 } of files) {
    const hashing = sha256File(file, { ...(signal && { signal }), onBytes });
    const actual = await hashing.catch(failed(file));
    if (actual !== sha256)
      throw modelLoadError(
        file,
        `its SHA-256 is ${actual} where ${checksumPath(path)} says ${sha256}: it was changed or damaged. ` +
          'Convert or download it again.',
      );
  }
  return files;
}

async function readChecksums(path: string): Promise<FileChecksum[]> {
  const list = checksumPath(path);
  const text = await readText(list).catch((cause) => {
    throw modelLoadError(list, `${(cause as Error).message} (convert writes it).`, cause);
  });
  const files = text
    .trim()
    .split(/\r?\n/)
    .map((line) => {
      const [, sha256, name] = /^([0-9a-f]{64}) [ *]([^/\\]+)$/.exec(line) ?? [];
      if (!sha256 || !name)
        throw modelLoadError(
          list,
          `expected lines 'SHA256  NAME' but found ${JSON.stringify(line.slice(0, 100))}.`,
        );
      return { path: join(dirname(path), name), sha256 };
    });
  if (!files.some((file) => basename(file.path) === basename(path)))
    throw modelLoadError(list, `it says nothing about ${basename(path)}.`);
  return files;
}
