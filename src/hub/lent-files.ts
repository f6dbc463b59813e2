/**
 * Large files of a repository that are needed one at a time: bytes of them are read over the network, and each is there while
 * somebody works with it. What the hub's cache has, whole or begun, is used and stays there; anything else lies in a
 * folder of the borrower's, from where a download that stopped goes on, and is deleted after its work.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LlavaError } from '../errors.js';
import { withFile } from '../files/with-file.js';
import type { HubConnection } from './connection.js';
import { downloadFile } from './download-file.js';
import { networkError, nonsenseError } from './hub-error.js';
import { incompleteBytes } from './partial-file.js';
import type { PullProgress } from './pull.js';
import type { RepoCache } from './repo-cache.js';
import { fileAddress, type RepoFile } from './repository.js';
import { withRetries } from './retry.js';

export interface LendOptions {
  /** For what is not in the cache. */
  folder: string;
  onProgress?: ((progress: PullProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

const ATTEMPTS = 4;

export class LentFiles {
  readonly files: readonly RepoFile[];
  readonly #connection: HubConnection;
  readonly #cache: RepoCache;
  readonly #commit: string;

  constructor(
    connection: HubConnection,
    cache: RepoCache,
    { commit, files }: { commit: string; files: readonly RepoFile[] },
  ) {
    this.files = files;
    this.#connection = connection;
    this.#cache = cache;
    this.#commit = commit;
  }

  /** The most that a file will take of the borrower's folder. */
  async largest(): Promise<number> {
    const kept = await Promise.all(this.files.map((file) => this.#isKept(file)));
    return Math.max(0, ...this.files.map(({ size }, index) => (kept[index] ? 0 : size)));
  }

  /** Some bytes of a file, or fewer where it ends. @throws ERR_HUB_*, signal.reason */
  async read(
    file: RepoFile,
    { position, length }: { position: number; length: number },
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const { path, size } = file;
    const end = Math.min(position + length, size);
    const found = await this.#find(file);
    if (found) return readBytes(found, position, end - position);
    const connection = this.#connection;
    const headers = { range: `bytes=${position}-${end - 1}` };
    const request = { headers, file: path, ...(signal && { signal }) };
    const attempt = async () => {
      const address = fileAddress(connection, this.#commit, path);
      const { status, headers, body } = await connection.get(address, request);
      try {
        const range = headers['content-range'] ?? '';
        // A whole file will do as well.
        const start = status === 200 ? 0 : Number(/^bytes (\d+)-/.exec(range)?.[1]);
        if (start !== 0 && start !== position)
          throw nonsenseError(`status ${status} and range '${range}'`, connection.asked(path));
        return (await firstBytes(body, end - start)).subarray(position - start);
      } catch (error) {
        signal?.throwIfAborted();
        throw error instanceof LlavaError ? error : networkError(error, connection.asked(path));
      } finally {
        body.destroy();
      }
    };
    return withRetries(attempt, { attempts: ATTEMPTS, ...(signal && { signal }) });
  }

  /** Progress counts the files before it as done. @throws as downloadFile, and what `work` does */
  async lend(
    file: RepoFile,
    { folder, onProgress, signal }: LendOptions,
    work: (path: string) => Promise<void>,
  ): Promise<void> {
    const found = await this.#find(file);
    if (found) return work(found);
    const isKept = await this.#isKept(file);
    const blob = isKept ? this.#cache.blob(file.etag) : join(folder, file.etag);
    await clearOthers(folder, file.etag);
    const { path, size: fileSize } = file;
    const sum = (files: readonly RepoFile[]) => files.reduce((bytes, { size }) => bytes + size, 0);
    const [before, size] = [sum(this.files.slice(0, this.files.indexOf(file))), sum(this.files)];
    const onBytes = (bytes: number, note?: string) =>
      onProgress?.({
        ...{ file: path, fileBytes: bytes, fileSize, bytes: before + bytes, size },
        ...(note && { note }),
      });
    const address = fileAddress(this.#connection, this.#commit, path);
    const download = { connection: this.#connection, file, address, blob };
    await downloadFile(download, { onBytes, ...(signal && { signal }) });
    if (isKept) await this.#cache.show(this.#commit, file);
    await work(blob);
    if (!isKept) await rm(blob, { force: true });
  }

  /** Where the cache has it whole. */
  async #find(file: RepoFile): Promise<string | undefined> {
    const found = await this.#cache.find(this.#commit, file);
    return found && found.as !== 'damaged' ? found.path : undefined;
  }

  /** Whether the cache has something of it. */
  async #isKept(file: RepoFile): Promise<boolean> {
    return (
      (await this.#find(file)) !== undefined ||
      (await incompleteBytes(this.#cache.blob(file.etag))) > 0
    );
  }
}

/** Of files whose work was done when their process was killed. */
async function clearOthers(folder: string, etag: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (!name.startsWith(etag)) await rm(join(folder, name), { force: true });
}

async function readBytes(path: string, position: number, length: number): Promise<Buffer> {
  return withFile(path, 'r', async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    if (bytesRead === length) return buffer;
    throw new LlavaError(
      'ERR_HUB_CHECKSUM',
      `${path} is shorter than the hub's file: it ends at ${position + bytesRead}, before ${position + length}. Delete it and pull again.`,
      { file: path, expected: position + length, actual: position + bytesRead },
    );
  });
}

async function firstBytes(body: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= length) break;
  }
  if (bytes < length) throw new Error('it ended early');
  return Buffer.concat(pieces).subarray(0, length);
}
