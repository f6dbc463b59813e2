/**
 * A clip as a file that ffmpeg can seek in: the caller's own, or a private temporary copy of bytes and downloads
 * (an MP4 may end with its index, so a pipe will not do). Whoever asks for one removes it.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { LlavaError } from '../errors.js';
import { undecodable } from './ffmpeg-process.js';

export interface VideoFile {
  path: string;
  /** For messages: no content, no query of a URL, which may carry a secret. */
  label: string;
  /** Deletes the copy if it is one. */
  remove(): Promise<void>;
}

const MAX_DOWNLOAD_BYTES = 2 ** 32;
const MAX_LABEL = 120;

/** @throws ERR_VIDEO_DECODE; an abort rejects with `signal.reason` and leaves no file */
export async function openVideoFile(
  source: string | URL | Uint8Array,
  signal: AbortSignal,
): Promise<VideoFile> {
  if (source instanceof Uint8Array)
    return temporaryCopy(Readable.from([source]), `bytes (${source.length})`, signal);
  const text = String(source);
  const scheme = /^(https?|data|file):/i.exec(text)?.[1]?.toLowerCase();
  const label = labelOf(text, scheme);
  if (scheme === 'http' || scheme === 'https' || scheme === 'data')
    return download(text, label, signal);
  if (scheme === undefined && source instanceof URL)
    throw undecodable(label, 'only http:, https:, file: and data: URLs are read');
  const path = scheme === 'file' ? pathOf(text, label) : text;
  await checkFile(path, label);
  return { path: resolve(path), label, remove: async () => {} };
}

/** sha256, in hex, of the file's bytes. */
export async function hashVideoFile(
  { path, label }: VideoFile,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update('video\n');
  await guard(pipeline(createReadStream(path), hash, { signal }), label, signal);
  return hash.digest('hex');
}

async function checkFile(path: string, label: string): Promise<void> {
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'no such file' : cause.message;
    throw undecodable(label, reason, { cause });
  });
  // A pipe or a device has no size and may never end.
  if (!info.isFile()) throw undecodable(label, 'it is not a regular file');
  if (info.size === 0) throw undecodable(label, 'it is empty');
}

async function download(url: string, label: string, signal: AbortSignal): Promise<VideoFile> {
  const response = await guard(fetch(url, { signal }), label, signal);
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw undecodable(label, `the server answered ${response.status} ${response.statusText}`);
  }
  return temporaryCopy(limited(response.body, label), label, signal);
}

/** Counts what arrives, because the announced length may be absent or wrong. */
async function* limited(body: AsyncIterable<Uint8Array>, label: string) {
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    if (total > MAX_DOWNLOAD_BYTES)
      throw undecodable(label, `it has more than the ${MAX_DOWNLOAD_BYTES} bytes allowed`);
    yield chunk;
  }
}

async function temporaryCopy(
  bytes: AsyncIterable<Uint8Array>,
  label: string,
  signal: AbortSignal,
): Promise<VideoFile> {
  const folder = await guard(temporaryFolder(), label, signal);
  let removal: Promise<void> | undefined;
  const remove = () => {
    removal ??= removeFolder(folder);
    return removal;
  };
  try {
    const path = join(folder, 'clip');
    const file = createWriteStream(path, { mode: 0o600, flags: 'wx' });
    await guard(pipeline(bytes, file, { signal }), label, signal);
    await checkFile(path, label);
    return { path, label, remove };
  } catch (error) {
    await remove();
    throw error;
  }
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

function pathOf(url: string, label: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw undecodable(label, 'the file: URL is not a local path', { cause });
  }
}

function labelOf(text: string, scheme: string | undefined): string {
  let label = text;
  if (scheme === 'data') label = `${text.slice(0, Math.max(text.indexOf(','), 5))},…`;
  else if (scheme?.startsWith('http') && URL.canParse(text)) {
    const { origin, pathname } = new URL(text);
    label = origin + pathname;
  }
  return label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL)}…` : label;
}
