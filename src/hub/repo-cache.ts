/**
 * One repository's folder in the hub's standard cache, as huggingface_hub writes and reads it:
 *
 *   models--OWNER--NAME/refs/REVISION            the commit
 *                       blobs/ETAG               contents, by hash
 *                       snapshots/COMMIT/PATH    links to them
 */
import { copyFile, link, readdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { makeFolder } from '../files/make-folder.js';
import { readText } from '../files/read-whole.js';
import { putWhole, temporaryName } from '../files/whole-file.js';
import { cacheWriteError } from './cache-error.js';
import { isEtag } from './etag.js';
import type { RepoFile } from './repository.js';
import type { HubSettings } from './settings.js';

export class RepoCache {
  readonly folder: string;
  readonly #symlinks: boolean;

  constructor({ cacheDir, symlinks }: HubSettings, repo: string) {
    this.folder = join(cacheDir, `models--${repo.replace('/', '--')}`);
    this.#symlinks = symlinks;
  }

  blob(etag: string): string {
    return join(this.folder, 'blobs', etag);
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** The commit that a revision was when it was last asked for. */
  async readRef(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const text = await readText(this.#ref(revision)).catch(() => '');
    return /^([0-9a-f]{40})\s*$/.exec(text)?.[1];
  }

  /** @throws ERR_WRITE, ERR_DISK_FULL */
  async writeRef(revision: string, commit: string): Promise<void> {
    if ((await this.readRef(revision)) === commit) return;
    await this.#put(this.#ref(revision), (temporary) => writeFile(temporary, commit));
  }

  /** Where a file's contents are; `damaged` when they have not its size. */
  async find(
    commit: string,
    { path, size, etag }: RepoFile,
  ): Promise<{ path: string; as: 'shown' | 'blob' | 'damaged' } | undefined> {
    const isShown = (await fileSize(join(this.snapshot(commit), path))) === size;
    if (isShown) return { path: join(this.snapshot(commit), path), as: 'shown' };
    const blob = this.blob(etag);
    const there = await fileSize(blob);
    return there === undefined
      ? undefined
      : { path: blob, as: there === size ? 'blob' : 'damaged' };
  }

  /** Makes a snapshot show a blob: by a link, or a second name or a copy where there are no links.
   *  @throws ERR_WRITE, ERR_DISK_FULL */
  async show(commit: string, { path, etag }: RepoFile): Promise<void> {
    const blob = this.blob(etag);
    const target = join(this.snapshot(commit), path);
    await this.#put(target, async (temporary) => {
      const isLinked =
        this.#symlinks &&
        (await symlink(relative(dirname(target), blob), temporary).then(
          () => true,
          () => false,
        ));
      if (!isLinked) await link(blob, temporary).catch(() => copyFile(blob, temporary));
    });
  }

  /** What a snapshot shows, without links whose blob is gone. The etag is '' where there is no link to tell it. */
  async listSnapshot(commit: string): Promise<RepoFile[]> {
    const folder = this.snapshot(commit);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.map(async (entry): Promise<RepoFile[]> => {
      const place = join(entry.parentPath, entry.name);
      const info = await stat(place).catch(() => undefined);
      if (!info?.isFile()) return [];
      const target = basename(await readlink(place).catch(() => ''));
      const path = relative(folder, place).replaceAll('\\', '/');
      return [{ path, size: info.size, etag: isEtag(target) ? target : '' }];
    });
    return (await Promise.all(files)).flat().sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #ref(revision: string): string {
    return join(this.folder, 'refs', revision);
  }

  /** Nobody ever sees half of it, and two who do it at once do not mind each other. */
  async #put(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
    // Not beside it: whoever lists a snapshot takes all that is there for its files.
    const temporary = join(this.folder, basename(temporaryName(path)));
    try {
      await makeFolder(dirname(path));
      await putWhole(path, make, temporary);
    } catch (error) {
      throw cacheWriteError(path, (error as Error).cause ?? error);
    }
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() ? info.size : undefined;
}
