/**
 * Converts a checkpoint into the cache. One process at a time makes an entry, others wait for it; it is made in a folder with
 * its maker's id and moved when it is whole, so that a process that was killed leaves nothing that could be mistaken, and one that
 * was taken over finds nothing by its name. Weights that come file by file leave their folder to the next maker (unfinished.ts).
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byteSize } from '../byte-size.js';
import { type ConvertOptions, convert } from '../convert/convert.js';
import { convertShards } from '../convert/convert-shards.js';
import type { Outtype } from '../convert/outtypes.js';
import { LlavaError } from '../errors.js';
import { CLAIM_ID, isHeld, withClaim } from '../files/claim.js';
import { makeFolder } from '../files/make-folder.js';
import { freeBytes } from '../hub/disk-space.js';
import type { LendOptions } from '../hub/lent-files.js';
import type { LentWeights } from './lent-weights.js';
import { listModels, type ModelEntry, modelsFolder, writeEntry } from './model-cache.js';
import type { ModelSource } from './model-source.js';
import { clearUnfinished, measure, takeUnfinished } from './unfinished.js';

export interface MakeOptions {
  checkpoint: string;
  /** What the folder lacks. */
  weights?: LentWeights | undefined;
  type: Outtype;
  isDefault: boolean;
  /** What the files will take, in bytes. */
  needed: number;
  onDownload?: LendOptions['onProgress'];
  onProgress?: ((fraction: number, detail: string) => void) | undefined;
  onWait?: (() => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The entry of a source in a type, if it is complete. */
export async function findEntry(
  { group, key }: Pick<ModelSource, 'group' | 'key'>,
  type: Outtype,
): Promise<ModelEntry | undefined> {
  return (await listModels(group)).find((entry) => entry.key === key && entry.type === type);
}

/** @throws ERR_CHECKPOINT, ERR_DISK_FULL, ERR_WRITE, signal.reason */
export async function makeModel(source: ModelSource, options: MakeOptions): Promise<ModelEntry> {
  const folder = join(modelsFolder(), source.group, source.key);
  const { type, onWait, signal } = options;
  const isDone = async () => (await findEntry(source, type)) !== undefined;
  const told = inCache(folder);
  await makeFolder(folder).catch(told);
  await withClaim(
    join(folder, `${source.name}-${type}.lock`),
    { isDone, signal, ...(onWait && { onWait }) },
    (id) => make(source, folder, { ...options, id }),
  ).catch(async (error) => {
    // What one process took over of another that was not gone is no failure when it is there.
    if (signal?.aborted || !(await isDone())) told(error);
  });
  const entry = await findEntry(source, type);
  if (entry && options.isDefault && !entry.isDefault)
    await writeEntry(folder, { ...entry, isDefault: true }).catch(() => {});
  if (entry) return entry;
  throw new LlavaError('ERR_WRITE', `What was converted into ${folder} is gone again.`, {
    path: folder,
  });
}

async function make(
  source: ModelSource,
  folder: string,
  { weights, ...options }: MakeOptions & { id: string },
): Promise<void> {
  await clearAbandoned(folder);
  if (weights) return makeFromWeights(source, folder, { ...options, weights });
  await checkRoom(folder, options.needed);
  const workshop = join(folder, `${options.id}.new`);
  try {
    const { model, mmproj } = await convert(conversion(source, workshop, options));
    await settle(source, folder, { ...options, model: model.path, mmproj: mmproj.path });
  } finally {
    await rm(workshop, { recursive: true, force: true }).catch(() => {});
  }
}

/** In a folder that stays when it is stopped, for the next time. */
async function makeFromWeights(
  source: ModelSource,
  folder: string,
  options: MakeOptions & { weights: LentWeights; id: string },
): Promise<void> {
  const { weights, type, id, needed, onDownload, signal } = options;
  const model = `${source.name}-${type}`;
  const workshop = await takeUnfinished(folder, model, id);
  await clearWithoutTower(source, folder, workshop);
  const { bytes: there } = await measure(workshop);
  await checkRoom(folder, needed + (await weights.largest()) - there);
  const lend = weights.lend({
    folder: join(workshop, 'weights'),
    onProgress: onDownload,
    signal,
  });
  const shards = { readHeader: weights.readHeader, lend };
  try {
    const files = await convertShards({ ...conversion(source, workshop, options), shards });
    await settle(source, folder, { ...options, ...files });
  } catch (error) {
    // Another time it would end the same way.
    if (!(error instanceof LlavaError && error.code === 'ERR_CHECKPOINT')) throw error;
    await rm(workshop, { recursive: true, force: true });
    throw error;
  }
  await clearUnfinished(folder, model);
}

/** The tower got its name and was deleted with another type, before the decoder got its own. */
async function clearWithoutTower({ name }: ModelSource, folder: string, workshop: string) {
  for (const place of [folder, workshop])
    if (await stat(join(place, towerName(name))).catch(() => undefined)) return;
  await rm(workshop, { recursive: true, force: true });
}

function towerName(name: string): string {
  return `mmproj-${name}-f16.gguf`;
}

function conversion(
  { name, origin }: ModelSource,
  outdir: string,
  { checkpoint, type, onProgress, signal }: MakeOptions,
): ConvertOptions {
  return {
    ...{ checkpoint, outdir, name, outtype: type },
    ...(origin.kind === 'hub' && { source: { repo: origin.repo, commit: origin.commit } }),
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  };
}

/** Gives two files their names. With that of the decoder, the last, the entry is there. */
async function settle(
  { name, origin }: ModelSource,
  folder: string,
  { model, mmproj, type, isDefault }: { model: string; mmproj: string } & MakeOptions,
): Promise<void> {
  const [decoder, tower] = [`${name}-${type}.gguf`, towerName(name)];
  // Another type's is the same, and may be in use.
  if (!(await stat(join(folder, tower)).catch(() => undefined)))
    await rename(mmproj, join(folder, tower));
  await writeEntry(folder, { type, isDefault, origin, model: decoder, mmproj: tower });
  await rename(model, join(folder, decoder));
}

/** What makers that were killed have left. */
export async function clearAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const id = new RegExp(`^(${CLAIM_ID})\\.new$`).exec(name)?.[1];
    if (id === undefined) continue;
    const path = join(folder, name);
    if (!isHeld(id, await lastWritten(path))) await rm(path, { recursive: true, force: true });
  }
}

async function lastWritten(folder: string): Promise<number> {
  const names = ['.', ...(await readdir(folder).catch(() => []))];
  const times = names.map(async (name) => {
    const info = await stat(join(folder, name)).catch(() => undefined);
    return info?.mtimeMs ?? 0;
  });
  return Math.max(...(await Promise.all(times)));
}

async function checkRoom(folder: string, needed: number): Promise<void> {
  const available = await freeBytes(folder);
  if (available === undefined || needed <= available) return;
  throw new LlavaError(
    'ERR_DISK_FULL',
    `The converted files need ${byteSize(needed)} but ${folder} has room for ${byteSize(available)}. ${ADVICE}`,
    { path: folder, needed, available },
  );
}

const ADVICE =
  'Free some (`llava-onevision models` shows what is there), or put the cache on another disk with LLAVA_ONEVISION_CACHE.';

/** What the file system refuses in the cache's folder, as an error that says what to do. */
function inCache(folder: string) {
  return (error: unknown): never => {
    const { cause, path, code, system } = error as Partial<Record<string, unknown>>;
    const isWriting = code === 'ERR_WRITE' || code === 'ERR_DISK_FULL';
    const isElsewhere = typeof path === 'string' && !path.startsWith(folder);
    if (error instanceof LlavaError && (!isWriting || isElsewhere)) throw error;
    const refused = (error instanceof LlavaError ? cause : error) as NodeJS.ErrnoException;
    const reason =
      system ?? (refused instanceof Error && refused.syscall ? refused.code : undefined);
    if (reason === 'ENOSPC' || reason === 'EDQUOT')
      throw new LlavaError(
        'ERR_DISK_FULL',
        `No room left in ${folder}. ${ADVICE}`,
        { path: folder },
        { cause: refused ?? error },
      );
    if (reason === undefined) throw error;
    throw new LlavaError(
      'ERR_WRITE',
      `Cannot write ${folder}: ${refused.message}. LLAVA_ONEVISION_CACHE names another folder for converted models.`,
      { path: folder },
      { cause: refused },
    );
  };
}
