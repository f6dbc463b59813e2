/**
 * Visual rows in a folder, one file each, for the next process. Writing goes on behind the chat and never fails it;
 * a file that is damaged, of other rows, or half written by a process that died, counts as absent.
 *   'LLAVROW1', sha256 of the rest, rows as little-endian f32
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { LlavaError } from '../errors.js';
import { makeFolder } from '../files/make-folder.js';
import { readWhole } from '../files/read-whole.js';
import { writeWhole } from '../files/whole-file.js';
import { isAllFinite } from './finite.js';

const MAGIC = Buffer.from('LLAVROW1');
const HASH_BYTES = 32;
const HEADER_BYTES = MAGIC.length + HASH_BYTES;

export class RowFiles {
  readonly #dir: string;
  readonly #writing = new Set<Promise<void>>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes the folder if there is none. @throws ERR_WRITE */
  static async open(dir: string): Promise<RowFiles> {
    try {
      await makeFolder(dir);
    } catch (cause) {
      const reason = (cause as Error).message;
      const message = `Cannot make the folder ${dir} of visualCacheDir: ${reason}`;
      throw new LlavaError('ERR_WRITE', message, { path: dir }, { cause });
    }
    return new RowFiles(dir);
  }

  /** @param key a file name without its ending @param nValues that a whole file has */
  async read(key: string, nValues: number): Promise<Float32Array | null> {
    const maxBytes = HEADER_BYTES + 4 * nValues;
    const bytes = await readWhole(this.#path(key), { maxBytes }).catch(() => null);
    if (bytes?.length !== maxBytes) return null;
    const rows = bytes.subarray(HEADER_BYTES);
    const isWhole =
      MAGIC.equals(bytes.subarray(0, MAGIC.length)) &&
      sha256(rows).equals(bytes.subarray(MAGIC.length, HEADER_BYTES));
    const values = new Float32Array(new Uint8Array(rows).buffer);
    return isWhole && isAllFinite(values) ? values : null;
  }

  write(key: string, rows: Float32Array): void {
    const writing = this.#write(key, rows).catch(() => {});
    this.#writing.add(writing);
    void writing.then(() => this.#writing.delete(writing));
  }

  /** Waits for the files being written. */
  async close(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #write(key: string, rows: Float32Array): Promise<void> {
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    await writeWhole(this.#path(key), MAGIC, sha256(bytes), bytes);
  }

  #path(key: string): string {
    return join(this.#dir, `${key}.rows`);
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
