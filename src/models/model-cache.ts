/**
 * The converted files that names stand for, in LLAVA_ONEVISION_CACHE or the platform's cache folder:
 *
 *   models/GROUP/KEY/NAME-TYPE.gguf, mmproj-NAME-f16.gguf     the files
 *                    NAME-TYPE.json                           what they were made of; an entry once all three are there
 *                    NAME-TYPE.ID.unfinished/                 half made, to be gone on with
 *
 * A group is a repository, a folder or the demonstration; the key says which commit or state of it, by which version of the
 * converter. When an entry was last used is when its JSON was touched.
 */
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Outtype, outtypes } from '../convert/outtypes.js';
import { touch } from '../files/claim.js';
import { readText } from '../files/read-whole.js';
import { writeWhole } from '../files/whole-file.js';
import { publishedModels } from '../hub/published-models.js';
import { isRecord, parseJson } from '../option-checks.js';
import { DEMO } from './model-name.js';

/** Where a model came from. */
export type ModelOrigin =
  | { kind: 'hub'; repo: string; revision: string; commit: string }
  | { kind: 'folder'; folder: string }
  | { kind: 'demo' };

/** What is written of an entry. */
interface Stored {
  format: 1;
  type: Outtype;
  /** Whether the type was the caller's choice or ours. */
  isDefault: boolean;
  origin: ModelOrigin;
  /** Names of the files. */
  model: string;
  mmproj: string;
}

export interface ModelEntry extends Omit<Stored, 'format'> {
  /** Paths. */
  folder: string;
  note: string;
  group: string;
  key: string;
  /** Of decoder and mmproj, which other types of the same model may share. */
  bytes: number;
  lastUsed: Date;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function cacheFolder(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env.LLAVA_ONEVISION_CACHE) return resolve(env.LLAVA_ONEVISION_CACHE);
  const name = 'llava-onevision';
  if (platform === 'darwin') return join(homedir(), 'Library/Caches', name);
  if (platform === 'win32')
    return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), name, 'Cache');
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), name);
}

export function modelsFolder(): string {
  return join(cacheFolder(), 'models');
}

/** Entries that are complete, the last used first. @param group all groups by default */
export async function listModels(group?: string): Promise<ModelEntry[]> {
  const root = modelsFolder();
  const groups = group === undefined ? await names(root) : [group];
  const found: ModelEntry[] = [];
  for (const one of groups)
    for (const key of await names(join(root, one)))
      for (const note of await names(join(root, one, key)))
        if (note.endsWith('.json')) found.push(...(await readEntry(one, key, note)));
  return found.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
}

async function readEntry(group: string, key: string, name: string): Promise<ModelEntry[]> {
  const folder = join(modelsFolder(), group, key);
  const note = join(folder, name);
  const stored = parseJson(await readText(note).catch(() => ''));
  if (!isStored(stored)) return [];
  const [info, ...files] = await Promise.all(
    [note, join(folder, stored.model), join(folder, stored.mmproj)].map((path) =>
      stat(path).catch(() => undefined),
    ),
  );
  if (!info || files.some((file) => !file?.isFile())) return [];
  const bytes = files.reduce((sum, file) => sum + file!.size, 0);
  const { format: _, ...rest } = stored;
  return [{ ...rest, folder, note, group, key, bytes, lastUsed: info.mtime }];
}

function isStored(value: unknown): value is Stored {
  return (
    isRecord(value) &&
    value.format === 1 &&
    outtypes.includes(value.type as Outtype) &&
    isRecord(value.origin) &&
    [value.model, value.mmproj].every((name) => typeof name === 'string' && /^[^/\\]+$/.test(name))
  );
}

/** @throws ERR_WRITE */
export async function writeEntry(
  folder: string,
  { type, isDefault, origin, model, mmproj }: Omit<Stored, 'format'>,
): Promise<void> {
  const note = join(folder, model.replace(/\.gguf$/, '.json'));
  const stored: Stored = { format: 1, type, isDefault, origin, model, mmproj };
  await writeWhole(note, `${JSON.stringify(stored, null, 2)}\n`);
}

/** What a user calls it, without its type: "0.5b-ov", "someone/finetune@v2", a folder, "demo". */
export function entryName({ origin }: Pick<ModelEntry, 'origin'>): string {
  if (origin.kind !== 'hub') return origin.kind === 'demo' ? DEMO : origin.folder;
  const { repo, revision } = origin;
  const short = Object.keys(publishedModels).find((name) => publishedModels[name] === repo);
  return `${short ?? repo}${revision === 'main' ? '' : `@${revision}`}`;
}

export function entryFiles({ folder, model, mmproj }: ModelEntry) {
  return { model: join(folder, model), mmproj: join(folder, mmproj) };
}

/** A cache that is complete may be read-only. */
export async function markUsed({ note }: ModelEntry): Promise<void> {
  await touch(note);
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
