/** Offline: what an earlier pull, by us or by Python, left in the cache; and what it lacks. */
import { join } from 'node:path';
import { LlavaError } from '../errors.js';
import { readText } from '../files/read-whole.js';
import type { RepoCache } from './repo-cache.js';
import type { RepoRevision } from './repo-id.js';
import type { RepoFile } from './repository.js';
import { type FileChoice, selectFiles } from './select-files.js';

export interface CachedSnapshot {
  commit: string;
  files: RepoFile[];
}

/** @throws ERR_HUB_OFFLINE, ERR_CHECKPOINT */
export async function cachedSnapshot(
  cache: RepoCache,
  { repo, revision }: RepoRevision,
  choice: FileChoice,
): Promise<CachedSnapshot> {
  const commit = await cache.readRef(revision);
  const listed = commit === undefined ? [] : await cache.listSnapshot(commit);
  const offline = (what: string, missing: string[]) =>
    new LlavaError(
      'ERR_HUB_OFFLINE',
      `Offline, and ${cache.folder} ${what}. Pull it with a network, without HF_HUB_OFFLINE.`,
      { repo, revision, missing },
    );
  if (commit === undefined || listed.length === 0)
    throw offline(`has nothing of ${repo}@${revision}`, [`${repo}@${revision}`]);
  const folder = cache.snapshot(commit);
  const readIndex = ({ path }: RepoFile) => readText(join(folder, path));
  const { files, missing } = await selectFiles(listed, choice, readIndex);
  if (missing.length > 0)
    throw offline(`lacks, of ${repo}@${revision}: ${missing.join(', ')}`, missing);
  return { commit, files };
}
