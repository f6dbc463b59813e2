/** Pictures and clips by folder or pattern, in the order of their names: one folder is read at a time, and nothing is opened. */
import { readdir, stat } from 'node:fs/promises';
import picomatch from 'picomatch';
import { namesClip } from '../../batch/item.js';

const PICTURE = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|avif)$/i;

export const namesMedia = (path: string): boolean => PICTURE.test(path) || namesClip(path);

export const isPattern = (text: string): boolean => picomatch.scan(text).isGlob;

/** All below a folder, hidden ones left out. */
export function filesIn(folder: string): AsyncGenerator<string> {
  return walk(folder.replace(/\/+$/, ''), () => true);
}

/** @param pattern with `*`, `**`, `?`, `[…]` and `{…}` */
export async function* filesLike(pattern: string): AsyncGenerator<string> {
  const { base, glob } = picomatch.scan(pattern);
  const matches = picomatch(glob);
  const root = base === '' ? '.' : base.replace(/\/$/, '');
  const below = (path: string) => path.slice(root.length + 1);
  const depth = glob.includes('**') ? Number.POSITIVE_INFINITY : glob.split('/').length;
  const files = walk(root, (folder) => below(folder).split('/').length < depth);
  for await (const path of files) if (matches(below(path))) yield base === '' ? below(path) : path;
}

/** @param isEntered which folders below are read */
async function* walk(
  folder: string,
  isEntered: (folder: string) => boolean,
): AsyncGenerator<string> {
  const entries = await readdir(folder || '/', { withFileTypes: true });
  const names = entries.filter(({ name }) => !name.startsWith('.'));
  names.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of names) {
    const path = `${folder}/${entry.name}`;
    // Links to folders are not followed: they may lead back.
    const isFile = entry.isFile() || (entry.isSymbolicLink() && (await leadsToFile(path)));
    if (isFile && namesMedia(path)) yield path;
    else if (entry.isDirectory() && isEntered(path)) yield* walk(path, isEntered);
  }
}

async function leadsToFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
