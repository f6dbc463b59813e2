/**
 * A file that grows by whole lines, written one after the other and kept on the disk at least once a second: what a process
 * leaves that is killed ends with a line, or with the torn begin of one, which whoever opens it again cuts off.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.js';
import { writeError } from './whole-file.js';

const SYNC_MS = 1000;
const LF = 10;

export class AppendLog {
  readonly #file: FileHandle;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();
  #syncedAt = performance.now();
  #size: number;

  private constructor(path: string, file: FileHandle, size: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /** @param end what lies behind it is cut off; default: what follows the last line feed @throws ERR_WRITE */
  static async open(path: string, end?: number): Promise<AppendLog> {
    try {
      await makeFolder(dirname(path));
      const file = await open(path, 'a+');
      const { size } = await file.stat();
      const kept = Math.min(size, end ?? (await endOfLines(file, size)));
      if (kept < size) await file.truncate(kept);
      return new AppendLog(path, file, kept);
    } catch (cause) {
      throw writeError(path, cause);
    }
  }

  /** In bytes, of what is written. */
  get size(): number {
    return this.#size;
  }

  /** @param text whole lines @returns where they begin and end, in bytes @throws ERR_WRITE */
  append(text: string): Promise<{ start: number; end: number }> {
    const written = this.#last.then(() => this.#write(text));
    this.#last = written;
    return written;
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#file.sync().catch(() => {});
    await this.#file.close();
  }

  async #write(text: string): Promise<{ start: number; end: number }> {
    try {
      const start = this.#size;
      await this.#file.appendFile(text);
      this.#size += Buffer.byteLength(text);
      if (performance.now() - this.#syncedAt >= SYNC_MS) {
        await this.#file.sync();
        this.#syncedAt = performance.now();
      }
      return { start, end: this.#size };
    } catch (cause) {
      throw writeError(this.#path, cause);
    }
  }
}

async function endOfLines(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const at = block.subarray(0, bytesRead).lastIndexOf(LF);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}
