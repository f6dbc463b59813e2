/** The pictures and clips of a sample: from column values and relative paths to what the library takes. */
import { isAbsolute, join, relative, resolve } from 'node:path';
import { LlavaError } from '../../errors.js';
import type { ImageSource } from '../../media/image.js';
import type { VideoSource } from '../../media/video.js';
import { dataError } from './data-error.js';
import { isFile, isFolder, namesIn } from './find-files.js';

/** Folders that paths in the data may be relative to, the dataset's own first. */
export type MediaFolders = readonly string[];

/** The values that are there: lists of pictures opened, nothing left out but nothing. */
export function presentImages(values: readonly unknown[] = []): unknown[] {
  return values.flat().filter((value) => value !== null && value !== undefined && value !== '');
}

/** @param values from `presentImages` @throws ERR_EVAL_DATA */
export function findImages(
  values: readonly unknown[],
  folders: MediaFolders,
): Promise<ImageSource[]> {
  return Promise.all(values.map((value) => findImage(value, folders)));
}

/** A file, or a folder of frames, which become a list in the order of their numbers. @throws ERR_EVAL_DATA */
export async function findVideo(
  candidates: readonly string[],
  folders: MediaFolders,
): Promise<VideoSource> {
  for (const folder of folders)
    for (const candidate of candidates) {
      const path = below(folder, candidate);
      if (await isFile(path)) return path;
      if (await isFolder(path)) return frameFiles(path);
    }
  throw dataError(candidates[0]!, `there is no such clip in ${folders.join(' or ')}`);
}

async function findImage(value: unknown, folders: MediaFolders): Promise<ImageSource> {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return value.startsWith('data:') ? value : find(value, folders);
  const { bytes, path } = value as { bytes?: unknown; path?: unknown };
  if (bytes instanceof Uint8Array) return bytes;
  if (typeof path === 'string' && path !== '') return find(path, folders);
  throw new LlavaError(
    'ERR_EVAL_DATA',
    `Expected a picture, { bytes, path } or a path in the dataset, but it is ${JSON.stringify(value)?.slice(0, 80)}`,
  );
}

async function find(path: string, folders: MediaFolders): Promise<string> {
  for (const folder of folders) {
    const file = below(folder, path);
    if (await isFile(file)) return file;
  }
  throw dataError(path, `there is no such picture in ${folders.join(' or ')}`);
}

/** Data must not name files elsewhere: with an endpoint they would be sent there. */
function below(folder: string, path: string): string {
  const file = resolve(folder, path);
  const inside = relative(folder, file);
  if (!inside.startsWith('..') && !isAbsolute(inside)) return file;
  throw dataError(path, `it lies outside ${folder}`);
}

async function frameFiles(folder: string): Promise<string[]> {
  const byNumber = new Intl.Collator('en', { numeric: true }).compare;
  const names = (await namesIn(folder)).filter((name) => /\.(jpe?g|png|webp)$/i.test(name));
  if (names.length === 0) throw dataError(folder, 'there are no frames in it');
  return names.sort(byNumber).map((name) => join(folder, name));
}
