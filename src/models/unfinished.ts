/**
 * Models whose weights were being fetched and converted when that was stopped: they go on when they are asked for again.
 * Each is a folder `NAME-TYPE.HOST-PID-ID.unfinished` of who is at it or was the last; who goes on renames it first, so that a
 * process that was thought gone (files/claim.ts) does not find it any more.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Outtype } from '../convert/outtypes.js';
import { CLAIM_ID, isHeld } from '../files/claim.js';
import { readText } from '../files/read-whole.js';
import { writeError } from '../files/whole-file.js';
import { publishedModels } from '../hub/published-models.js';
import { modelsFolder } from './model-cache.js';
import type { ModelSource } from './model-source.js';

export interface Unfinished {
  /** What a user calls it, with its type. */
  name: string;
  /** What it may be called, without: a published model also by its repository. */
  names: string[];
  type: string;
  folder: string;
  /** On the disk. */
  bytes: number;
  lastUsed: Date;
}

const FOLDER = new RegExp(`^(.+-(\\w+))\\.${CLAIM_ID}\\.unfinished$`);

/** Without those that a process is at. */
export async function listUnfinished(): Promise<Unfinished[]> {
  const found: Unfinished[] = [];
  const root = modelsFolder();
  for (const group of await names(root))
    for (const key of await names(join(root, group)))
      for (const name of await names(join(root, group, key))) {
        const folder = join(root, group, key, name);
        const type = FOLDER.exec(name)?.[2];
        if (!type || (await isLocked(lockOf(folder)))) continue;
        const called = namesOf(group);
        const what = { name: `${called[0]}:${type}`, names: called, type, folder };
        found.push({ ...what, ...(await measure(folder)) });
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

/** Gives what there is of a model to who goes on with it, alone. @param model NAME-TYPE @returns the folder, which may not be there
 *  @throws as the system does */
export async function takeUnfinished(place: string, model: string, id: string): Promise<string> {
  const mine = join(place, `${model}.${id}.unfinished`);
  const found = (await unfinishedFolders(place, model)).map(async (path) => ({
    ...{ path, bytes: (await measure(path)).bytes },
  }));
  let isTaken = false;
  for (const { path } of (await Promise.all(found)).toSorted((a, b) => b.bytes - a.bytes)) {
    if (isTaken) await rm(path, { recursive: true, force: true });
    else isTaken = await rename(path, mine).then(() => true, isMissing);
  }
  return mine;
}

/** Once it is made. */
export async function clearUnfinished(place: string, model: string): Promise<void> {
  for (const path of await unfinishedFolders(place, model))
    await rm(path, { recursive: true, force: true }).catch(() => {});
}

async function unfinishedFolders(place: string, model?: string): Promise<string[]> {
  const found = (await names(place)).map((name) => FOLDER.exec(name));
  return found.flatMap((match) =>
    match && (model ?? match[1]) === match[1] ? [join(place, match[0])] : [],
  );
}

function isMissing(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}

/** What there is already of a model that is half made. @param type undefined: of the type of which there is most */
export async function unfinishedBytes(
  { group, key, name }: Pick<ModelSource, 'group' | 'key' | 'name'>,
  type: Outtype | undefined,
): Promise<number> {
  const place = join(modelsFolder(), group, key);
  const wanted = await unfinishedFolders(place, type && `${name}-${type}`);
  const sizes = await Promise.all(wanted.map(measure));
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
  return join(dirname(folder), `${FOLDER.exec(basename(folder))![1]}.lock`);
}

/** Whether a process is at what a lock stands for. */
export async function isLocked(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && isHeld(await readText(path).catch(() => ''), info.mtimeMs);
}

/** "hub--OWNER--NAME" @returns the name of a published model before its repository's */
function namesOf(group: string): string[] {
  const repo = group.split('--').slice(1).join('/');
  return [...Object.keys(publishedModels).filter((name) => publishedModels[name] === repo), repo];
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
