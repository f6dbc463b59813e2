/**
 * Little-endian values of a file, read one after the other through a small window. A read beyond the end of the file
 * throws; nothing is allocated before its length has been checked against the bytes that are left.
 */
import type { FileHandle } from 'node:fs/promises';

const WINDOW_BYTES = 1 << 20;

/** A read beyond the end of the file. */
export class EndOfFile extends Error {}

export class HeaderBytes {
  readonly #file: FileHandle;
  readonly #fileSize: number;
  #window = Buffer.alloc(0);
  #cursor = 0;
  #windowEnd = 0;

  constructor(file: FileHandle, fileSize: number) {
    this.#file = file;
    this.#fileSize = fileSize;
  }

  /** Where the next byte is in the file. */
  get position(): number {
    return this.#windowEnd - this.#window.length + this.#cursor;
  }

  get remaining(): number {
    return this.#fileSize - this.position;
  }

  async u8(): Promise<number> {
    const start = await this.#take(1);
    return this.#window.readUInt8(start);
  }

  async u32(): Promise<number> {
    const start = await this.#take(4);
    return this.#window.readUInt32LE(start);
  }

  async u64(): Promise<bigint> {
    const start = await this.#take(8);
    return this.#window.readBigUInt64LE(start);
  }

  /** A copy, so that it outlives the window. */
  async bytes(length: number): Promise<Buffer> {
    const start = await this.#take(length);
    return Buffer.from(this.#window.subarray(start, start + length));
  }

  async text(length: number): Promise<string> {
    const start = await this.#take(length);
    return this.#window.toString('utf8', start, start + length);
  }

  /** Advances by `length` bytes. @returns their index in the window, which this may have replaced. */
  async #take(length: number): Promise<number> {
    if (this.#window.length - this.#cursor < length) await this.#fill(length);
    const start = this.#cursor;
    this.#cursor += length;
    return start;
  }

  async #fill(length: number): Promise<void> {
    const position = this.position;
    if (length > this.#fileSize - position)
      throw new EndOfFile(`the file ends at byte ${this.#fileSize}`);
    const size = Math.min(Math.max(length, WINDOW_BYTES), this.#fileSize - position);
    const window = Buffer.allocUnsafe(size);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await this.#file.read(window, done, size - done, position + done);
      if (bytesRead === 0) throw new EndOfFile(`the file ends at byte ${position + done}`);
      done += bytesRead;
    }
    this.#window = window;
    this.#windowEnd = position + size;
    this.#cursor = 0;
  }
}
