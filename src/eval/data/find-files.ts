/** Files by pattern, where `*` matches within a name; sorted by name. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { escapePattern } from '../scorers/python-text.js';

/** @returns paths of files; none if the folder does not exist */
export async function findFiles(folder: string, pattern: string): Promise<string[]> {
  const [head, ...rest] = pattern.split('/').filter((name) => name !== '' && name !== '.');
  if (head === undefined) return [];
  const names = head.includes('*') ? await namesIn(folder) : [head];
  const matcher = new RegExp(`^${head.split('*').map(escapePattern).join('[^/]*')}$`, 'u');
  const found: string[] = [];
  for (const name of names.filter((each) => matcher.test(each)).sort()) {
    const path = join(folder, name);
    if (rest.length > 0) found.push(...(await findFiles(path, rest.join('/'))));
    else if (await isFile(path)) found.push(path);
  }
  return found;
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Names in a folder; empty if there is none. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
