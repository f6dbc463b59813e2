/**
 * A blob that is still incomplete: `blobs/ETAG.incomplete` at rest. Who works on it first renames it to a name of its
 * own, `ETAG.HOST-PID-ID.incomplete`, which only one can do; others wait for the blob. Who is gone is taken over (files/claim.ts);
 * should that be guessed wrong, two write the same bytes to the same places.
 * What lay at rest may still be open in another program, such as huggingface_hub, whose locks we do not know: it is hashed
 * from the disk once more before it becomes a blob.
 */
import type { Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLAIM_ID, dropId, isHeld, keepTouching, POLL_MS, takeId, touch } from '../files/claim.js';
import { makeFolder } from '../files/make-folder.js';
import { cacheWriteError } from './cache-error.js';
import { etagHash } from './etag.js';
import type { RepoFile } from './repository.js';

export interface ClaimOptions {
  /** While another process is waited for, and while what is there is read. @param bytes of the file */
  onBytes?: (bytes: number, note: string) => void;
  signal?: AbortSignal;
}

const PIECE_BYTES = 1 << 20;

interface Opened {
  id: string;
  claim: string;
  handle: FileHandle;
  /** Rather than made by this process. */
  isTakenOver: boolean;
}

export class PartialFile {
  readonly #file: RepoFile;
  readonly #blob: string;
  readonly #id: string;
  readonly #claim: string;
  readonly #handle: FileHandle;
  readonly #isTakenOver: boolean;
  readonly #stopTouching: () => void;
  #hash: Hash;
  #size = 0;

  private constructor(file: RepoFile, blob: string, opened: Opened) {
    this.#file = file;
    this.#blob = blob;
    this.#id = opened.id;
    this.#claim = opened.claim;
    this.#handle = opened.handle;
    this.#isTakenOver = opened.isTakenOver;
    this.#hash = etagHash(file);
    this.#stopTouching = keepTouching(opened.claim);
  }

  /** @returns undefined when the blob is there, perhaps by the work of another process.
   *  @throws ERR_WRITE, ERR_DISK_FULL, signal.reason */
  static async claim(
    file: RepoFile,
    blob: string,
    options: ClaimOptions = {},
  ): Promise<PartialFile | undefined> {
    const { onBytes, signal } = options;
    for (;;) {
      signal?.throwIfAborted();
      if (await sizeOf(blob)) return undefined;
      const found = await incompleteFiles(blob);
      const other = found.find(({ isHeld }) => isHeld);
      if (!other) {
        const partial = await PartialFile.#take(file, blob, found).catch(fail(blob));
        await partial.#readBack(options).catch(async (error) => {
          await partial.park();
          signal?.throwIfAborted();
          throw cacheWriteError(blob, error);
        });
        return partial;
      }
      onBytes?.(other.size, 'another process is at it');
      await sleep(POLL_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
    }
  }

  static async #take(file: RepoFile, blob: string, found: Incomplete[]): Promise<PartialFile> {
    const id = takeId();
    const claim = `${blob}.${id}.incomplete`;
    try {
      await makeFolder(dirname(blob));
      let isTaken = false;
      for (const { path } of found.toSorted((a, b) => b.size - a.size)) {
        if (isTaken) await rm(path, { force: true });
        else isTaken = await rename(path, claim).then(() => true, isMissing);
      }
      const handle = await open(claim, constants.O_RDWR | constants.O_CREAT);
      // From now on others see that someone is at it.
      await touch(claim);
      return new PartialFile(file, blob, { id, claim, handle, isTakenOver: isTaken });
    } catch (error) {
      dropId(id);
      throw error;
    }
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  /** The hash of what is there, as the file's etag is made; to be asked once, at the end. @throws ERR_WRITE, signal.reason */
  async digest(options: ClaimOptions = {}): Promise<string> {
    const { size } = await this.#handle.stat().catch(fail(this.#blob));
    if (this.#isTakenOver || size !== this.#size) {
      this.#hash = etagHash(this.#file);
      this.#size = 0;
      await this.#hashStored(size, options).catch((error) => {
        options.signal?.throwIfAborted();
        throw cacheWriteError(this.#blob, error);
      });
    }
    return this.#hash.digest('hex');
  }

  /** @throws ERR_WRITE, ERR_DISK_FULL */
  async append(bytes: Uint8Array): Promise<void> {
    await this.#handle.write(bytes, 0, bytes.length, this.#size).catch(fail(this.#blob));
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  async empty(): Promise<void> {
    await this.#handle.truncate(0).catch(fail(this.#blob));
    this.#hash = etagHash(this.#file);
    this.#size = 0;
  }

  /** Gives the file its name as a blob. */
  async finish(): Promise<void> {
    await this.#handle.datasync().catch(fail(this.#blob));
    await this.#close();
    await rename(this.#claim, this.#blob).catch(async (cause) => {
      // Taken over and completed by another, who thought we were gone.
      if (!(await sizeOf(this.#blob))) throw cacheWriteError(this.#blob, cause);
    });
  }

  /** Leaves what is there for the next time. */
  async park(): Promise<void> {
    await this.#close();
    const atRest = `${this.#blob}.incomplete`;
    const [mine, others] = [await sizeOf(this.#claim), await sizeOf(atRest)];
    if (mine && mine.size > (others?.size ?? 0)) await rename(this.#claim, atRest);
    else await rm(this.#claim, { force: true });
  }

  async discard(): Promise<void> {
    await this.#close();
    await rm(this.#claim, { force: true });
  }

  async #close(): Promise<void> {
    this.#stopTouching();
    dropId(this.#id);
    await this.#handle.close();
  }

  /** Hashes what an earlier process wrote. */
  async #readBack(options: ClaimOptions): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size > this.#file.size) return this.empty();
    await this.#hashStored(size, options);
  }

  async #hashStored(size: number, { onBytes, signal }: ClaimOptions): Promise<void> {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    while (this.#size < size) {
      signal?.throwIfAborted();
      const { bytesRead } = await this.#handle.read(piece, 0, PIECE_BYTES, this.#size);
      if (bytesRead === 0) return;
      this.#hash.update(piece.subarray(0, bytesRead));
      this.#size += bytesRead;
      onBytes?.(this.#size, 'checking what is there');
    }
  }
}

/** What there is of a blob that is not whole, whoever works on it. */
export async function incompleteBytes(blob: string): Promise<number> {
  return Math.max(0, ...(await incompleteFiles(blob)).map(({ size }) => size));
}

interface Incomplete {
  path: string;
  size: number;
  /** Whether a process that is alive holds it. */
  isHeld: boolean;
}

async function incompleteFiles(blob: string): Promise<Incomplete[]> {
  const folder = dirname(blob);
  const names = await readdir(folder).catch(() => []);
  const found = names.map(async (name) => {
    const claim = name.startsWith(`${basename(blob)}.`) ? CLAIM.exec(name) : null;
    if (!claim && name !== `${basename(blob)}.incomplete`) return [];
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (!info) return [];
    const id = claim?.[1];
    return [{ path, size: info.size, isHeld: Boolean(id && isHeld(id, info.mtimeMs)) }];
  });
  return (await Promise.all(found)).flat();
}

const CLAIM = new RegExp(`^[0-9a-f]+\\.(${CLAIM_ID})\\.incomplete$`);

async function sizeOf(path: string) {
  return stat(path).catch(() => undefined);
}

function isMissing(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}

function fail(path: string) {
  return (cause: unknown): never => {
    throw cacheWriteError(path, cause);
  };
}
