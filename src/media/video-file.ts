/**
 * A clip as a file that ffmpeg can seek in: the caller's own, or a private temporary copy of bytes and downloads
 * (an MP4 may end with its index, so a pipe will not do). Whoever asks for one removes it. On Linux a copy has no name: it goes
 * with the process, however that ends.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LlavaError } from '../errors.js';
import { isThere } from '../files/is-there.js';
import { withFile } from '../files/with-file.js';
import { undecodable } from './ffmpeg-process.js';
import { VIDEO } from './media-kind.js';
import { type MediaLocation, type OpenedSource, openSource, type SourceOptions } from './source.js';

export interface VideoFile {
  path: string;
  /** Of a copy without a name, which programs get as an open file. */
  fd?: number;
  /** For messages: no content, no query of a URL, which may carry a secret. */
  label: string;
  /** Deletes the copy if it is one. */
  remove(): Promise<void>;
}

/** @throws ERR_VIDEO_DECODE; an abort rejects with `signal.reason` and leaves no file */
export async function openVideoFile(
  source: MediaLocation,
  options: SourceOptions & { signal: AbortSignal },
): Promise<VideoFile> {
  const opened = await openSource(source, VIDEO, options);
  if (opened.from !== 'file') return temporaryCopy(opened, options.signal);
  return { path: resolve(opened.path), label: opened.label, remove: async () => {} };
}

/** sha256, in hex, of the file's bytes. */
export async function hashVideoFile(
  { path, label }: VideoFile,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update('video\n');
  const hashing = withFile(path, 'r', (file) =>
    pipeline(file.createReadStream({ autoClose: false }), hash, { signal }),
  );
  await guard(hashing, label, signal);
  return hash.digest('hex');
}

async function temporaryCopy(
  source: Exclude<OpenedSource, { from: 'file' }>,
  signal: AbortSignal,
): Promise<VideoFile> {
  const { label } = source;
  const copy = await guard(emptyCopy(), label, signal);
  try {
    const content = source.from === 'memory' ? source.bytes : source.chunks;
    await guard(writeFile(copy.file, content, { signal }), label, signal);
    if ((await copy.file.stat()).size === 0) throw undecodable(label, 'it is empty');
    return { ...copy.place, label, remove: copy.remove };
  } catch (error) {
    await copy.remove();
    throw error;
  }
}

interface EmptyCopy {
  file: FileHandle;
  place: Pick<VideoFile, 'path' | 'fd'>;
  remove(): Promise<void>;
}

async function emptyCopy(): Promise<EmptyCopy> {
  const folder = await temporaryFolder();
  const path = join(folder, 'clip');
  let file: FileHandle;
  try {
    file = await open(path, 'wx+', 0o600);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
  const own = `/proc/self/fd/${file.fd}`;
  const isNameless = process.platform === 'linux' && isThere(own);
  if (isNameless) await removeFolder(folder);
  let removal: Promise<void> | undefined;
  const remove = () => {
    removal ??= file.close().then(() => (isNameless ? undefined : removeFolder(folder)));
    return removal;
  };
  return { file, place: isNameless ? { path: own, fd: file.fd } : { path }, remove };
}

/** Folders in use, for the case that the process exits before they are removed. */
const folders = new Set<string>();
const removeFolders = () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
};

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'llava-onevision-'));
  if (folders.size === 0) process.once('exit', removeFolders);
  folders.add(folder);
  return folder;
}

async function removeFolder(folder: string): Promise<void> {
  // Windows keeps a file while a process that was just killed still has it open.
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
  if (folders.size === 0) process.off('exit', removeFolders);
}

async function guard<T>(work: Promise<T>, label: string, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof LlavaError) throw cause;
    const { message } = ((cause as Error).cause ?? cause) as Error;
    throw undecodable(label, message, { cause });
  }
}
