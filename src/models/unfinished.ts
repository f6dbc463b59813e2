/** Models whose weights were being fetched and converted when that was stopped: they go on when they are asked for again. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outtype } from '../convert/outtypes.js';
import { isHeld } from '../files/claim.js';
import { readText } from '../files/read-whole.js';
import { writeError } from '../files/whole-file.js';
import { publishedModels } from '../hub/published-models.js';
import { modelsFolder, UNFINISHED } from './model-cache.js';
import type { ModelSource } from './model-source.js';

export interface Unfinished {
  /** What a user calls it, with its type. */
  name: string;
  folder: string;
  /** On the disk. */
  bytes: number;
  lastUsed: Date;
}

/** Without those that a process is at. */
export async function listUnfinished(): Promise<Unfinished[]> {
  const found: Unfinished[] = [];
  const root = modelsFolder();
  for (const group of await names(root))
    for (const key of await names(join(root, group)))
      for (const name of await names(join(root, group, key))) {
        const folder = join(root, group, key, name);
        if (!name.endsWith(UNFINISHED) || (await isLocked(lockOf(folder)))) continue;
        const type = /-(\w+)\.\w+$/.exec(name)?.[1];
        found.push({ name: `${nameOf(group)}:${type}`, folder, ...(await measure(folder)) });
      }
  return found.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
}

/** @returns those that are gone now: a process may be at one since they were listed @throws ERR_WRITE */
export async function removeUnfinished(all: readonly Unfinished[]): Promise<Unfinished[]> {
  const removed: Unfinished[] = [];
  for (const one of all) {
    const { folder } = one;
    if (await isLocked(lockOf(folder))) continue;
    await rm(folder, { recursive: true, force: true }).catch((cause) => {
      throw writeError(folder, cause);
    });
    removed.push(one);
  }
  return removed;
}

/** What there is already of a model that is half made. @param type undefined: of the type of which there is most */
export async function unfinishedBytes(
  { group, key, name }: Pick<ModelSource, 'group' | 'key' | 'name'>,
  type: Outtype | undefined,
): Promise<number> {
  const place = join(modelsFolder(), group, key);
  const wanted = (await names(place)).filter((one) =>
    type ? one === `${name}-${type}${UNFINISHED}` : one.endsWith(UNFINISHED),
  );
  const sizes = await Promise.all(wanted.map((one) => measure(join(place, one))));
  return Math.max(0, ...sizes.map(({ bytes }) => bytes));
}

/** Of all below a folder: of a file that is not yet written everywhere less than its size. */
export async function measure(folder: string): Promise<{ bytes: number; lastUsed: Date }> {
  const entries = ['.', ...(await readdir(folder, { recursive: true }).catch(() => []))];
  let [bytes, lastUsed] = [0, 0];
  for (const entry of entries) {
    const info = await stat(join(folder, entry)).catch(() => undefined);
    if (!info) continue;
    if (info.isFile()) bytes += info.blocks * 512;
    lastUsed = Math.max(lastUsed, info.mtimeMs);
  }
  return { bytes, lastUsed: new Date(lastUsed) };
}

function lockOf(folder: string): string {
  return `${folder.slice(0, -UNFINISHED.length)}.lock`;
}

/** Whether a process is at what a lock stands for. */
export async function isLocked(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && isHeld(await readText(path).catch(() => ''), info.mtimeMs);
}

/** "hub--OWNER--NAME" */
function nameOf(group: string): string {
  const repo = group.split('--').slice(1).join('/');
  return Object.keys(publishedModels).find((name) => publishedModels[name] === repo) ?? repo;
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
