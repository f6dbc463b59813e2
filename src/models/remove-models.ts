/** Deleting what the cache holds of models. Checkpoints in the hub's own cache are not touched. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from '../files/whole-file.js';
import { clearAbandoned } from './make-model.js';
import { entryName, listModels, type ModelEntry, modelsFolder } from './model-cache.js';
import { isLocked, type Unfinished } from './unfinished.js';

/** Entries that a name means: all types of it, or the one behind a colon. */
export function entriesNamed(name: string, entries: readonly ModelEntry[]): ModelEntry[] {
  return entries.filter((entry) => {
    const { origin, type } = entry;
    const names = [entryName(entry), ...(origin.kind === 'hub' ? [origin.repo] : [])];
    return isMeant(name, names, type);
  });
}

export function unfinishedNamed(name: string, all: readonly Unfinished[]): Unfinished[] {
  return all.filter(({ names, type }) => isMeant(name, names, type));
}

function isMeant(name: string, names: readonly string[], type: string): boolean {
  return names.some((one) => [one, `${one}:${type}`].includes(name));
}

/** The mmproj goes with the last type that uses it. @returns the bytes that are free now @throws ERR_WRITE */
export async function removeModels(entries: readonly ModelEntry[]): Promise<number> {
  let freed = 0;
  for (const { note, folder, model, mmproj, group, key } of entries) {
    // From now on it is no entry, whatever happens.
    await remove(note);
    freed += await remove(join(folder, model));
    const others = (await listModels(group)).filter((one) => one.key === key);
    if (!others.some((one) => one.mmproj === mmproj)) freed += await remove(join(folder, mmproj));
    freed += await tidy(group, key);
  }
  return freed;
}

/** What conversions that were killed have left. @returns the bytes that are free now */
export async function tidyModels(): Promise<number> {
  const root = modelsFolder();
  let freed = 0;
  for (const group of await names(root))
    for (const key of await names(join(root, group))) freed += await tidy(group, key);
  return freed;
}

async function tidy(group: string, key: string): Promise<number> {
  const folder = join(modelsFolder(), group, key);
  await clearAbandoned(folder);
  for (const name of await names(folder))
    if (name.endsWith('.lock') && !(await isLocked(join(folder, name))))
      await rm(join(folder, name), { force: true });
  const freed = await removeOrphans(group, key);
  // Neither if there is something in it.
  for (const place of [folder, join(modelsFolder(), group)]) await rmdir(place).catch(() => {});
  return freed;
}

/** A tower, and what was to become an entry, where no decoder is and none is being made. */
async function removeOrphans(group: string, key: string): Promise<number> {
  const folder = join(modelsFolder(), group, key);
  const left = await names(folder);
  if (!left.every((name) => /^mmproj-.*\.gguf$|\.json$/.test(name))) return 0;
  if ((await listModels(group)).some((one) => one.key === key)) return 0;
  let freed = 0;
  for (const name of left) freed += await remove(join(folder, name));
  return freed;
}

async function remove(path: string): Promise<number> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  await rm(path, { force: true }).catch((cause) => {
    throw writeError(path, cause);
  });
  return size;
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
