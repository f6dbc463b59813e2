/** Files of a repository as the hub names, hashes and lists them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Files = Record<string, Buffer | string>;

/** All files of a folder, by name. */
export function folderFiles(folder: string): Files {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]),
  );
}

/** Name of a file's blob in the cache. */
export function etagOf(path: string, data: Buffer): string {
  return isLarge(path) ? sha('sha256', data) : gitHash(data);
}

export function isLarge(path: string): boolean {
  return /\.(safetensors|bin|gguf)$/.test(path);
}

export function entry(path: string, data: Buffer) {
  const common = { type: 'file', path, size: data.length };
  if (!isLarge(path)) return { ...common, oid: gitHash(data) };
  const oid = sha('sha256', data);
  return {
    ...common,
    oid: gitHash(Buffer.from(oid)),
    lfs: { oid, size: data.length, pointerSize: 134 },
    xetHash: sha('sha256', `xet ${oid}`),
  };
}

function gitHash(data: Buffer): string {
  return sha('sha1', Buffer.concat([Buffer.from(`blob ${data.length}\0`), data]));
}

export function sha(algorithm: 'sha1' | 'sha256', data: Buffer | string): string {
  return createHash(algorithm).update(data).digest('hex');
}
