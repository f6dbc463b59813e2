/** Which repository a folder of the hub's cache holds. */
import { resolve } from 'node:path';

/** Where a checkpoint folder came from. */
export interface CheckpointSource {
  /** "owner/name" on the Hugging Face hub. */
  repo: string;
  /** The repository's commit, 40 hex digits. */
  commit?: string;
}

/** What the layout of the hub's own cache tells, `models--OWNER--NAME/snapshots/COMMIT`. */
export function sourceOfSnapshot(folder: string): CheckpointSource | undefined {
  const [, owner, name, revision] =
    /(?:^|[\\/])models--([\w.-]+?)--([\w.-]+)[\\/]snapshots[\\/]([^\\/]+)[\\/]?$/.exec(
      resolve(folder),
    ) ?? [];
  if (!owner || !name || !revision) return undefined;
  return { repo: `${owner}/${name}`, ...(/^[0-9a-f]{40}$/.test(revision) && { commit: revision }) };
}
