/**
 * Where a checkpoint comes from, and the key under which what is made of it is kept: the commit of a repository, else what tells
 * one state of a folder from another.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PACKAGE_ROOT } from '../addon/package-root.js';
import { checkpointError } from '../convert/checkpoint-error.js';
import { CONVERTER_VERSION } from '../convert/converter-version.js';
import { defaultName } from '../convert/file-name.js';
import { isLoraFolder } from '../convert/lora-config.js';
import type { RepoRevision } from '../hub/repo-id.js';
import { sourceOfSnapshot } from '../hub/snapshot-source.js';
import type { ModelOrigin } from './model-cache.js';
import { DEMO } from './model-name.js';

export interface ModelSource {
  /** Folders in the cache. */
  group: string;
  key: string;
  /** What the files are called. */
  name: string;
  /** For people. */
  label: string;
  origin: ModelOrigin;
}

export const DEMO_CHECKPOINT = join(PACKAGE_ROOT, 'demo/checkpoint');

/** Its contents are the key, so that every installation has the same. @throws ERR_CHECKPOINT */
export async function demoSource(): Promise<ModelSource> {
  const hash = createHash('sha256');
  for (const name of await filesIn(DEMO_CHECKPOINT))
    hash.update(`${name}\n`).update(await readFile(join(DEMO_CHECKPOINT, name)));
  const key = keyOf(hash.digest('hex'));
  return { group: DEMO, key, name: DEMO, label: DEMO, origin: { kind: 'demo' } };
}

/** @throws ERR_CHECKPOINT */
export async function folderSource(folder: string): Promise<ModelSource> {
  const path = await realpath(folder);
  if (await isLoraFolder(path))
    throw checkpointError(
      folder,
      'it is a LoRA adapter, not a model: convert it, and give it as `lora` beside a model.',
    );
  const hash = createHash('sha256').update(path);
  for (const name of await filesIn(path)) {
    const { size, mtimeMs } = await stat(join(path, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  const name = sourceOfSnapshot(path)?.repo.split('/')[1] ?? defaultName(path);
  const key = keyOf(hash.digest('hex'));
  const origin = { kind: 'folder', folder: path } as const;
  return { group: `folder--${name}`, key, name, label: folder, origin };
}

export function repoGroup(repo: string): string {
  return `hub--${repo.replace('/', '--')}`;
}

export function repoSource({ repo, revision }: RepoRevision, commit: string): ModelSource {
  return {
    group: repoGroup(repo),
    key: keyOf(commit),
    name: basename(repo),
    label: revision === 'main' ? repo : `${repo}@${revision}`,
    origin: { kind: 'hub', repo, revision, commit },
  };
}

/** Whether an entry was made by this version of the converter. */
export function isCurrent({ key }: { key: string }): boolean {
  return key.endsWith(SUFFIX);
}

const SUFFIX = `-c${CONVERTER_VERSION}`;

function keyOf(hex: string): string {
  return hex.slice(0, 16) + SUFFIX;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw checkpointError(folder, 'the folder cannot be read.');
  });
  const isPart = /\.(json|safetensors|txt|jinja)$|^README\.md$/;
  return entries.flatMap(({ name }) => (isPart.test(name) ? [name] : [])).sort();
}
