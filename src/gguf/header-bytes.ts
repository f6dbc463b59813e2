/**
 * Little-endian values of a file, read one after the other through a small window; whenever it moves on, the event loop has
 * its turn, for a vocabulary is long. A read beyond the end of the file
 * throws; nothing is allocated before its length has been checked against the bytes that are left.
 */
/** What bytes are read from: an open file does. */
export interface ReadableFile {
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
}

const WINDOW_BYTES = 1 << 16;

/** A read beyond the end of the file. */
export class EndOfFile extends Error {}

export class HeaderBytes {
  readonly #file: ReadableFile;
  readonly #fileSize: number;
  #window = Buffer.alloc(0);
  #cursor = 0;
  #windowEnd = 0;

  constructor(file: ReadableFile, fileSize: number) {
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

  /** `count` texts, each behind its length (u64) in bytes. @param fault the error for a text longer than `most` or the file */
  async texts(
    count: number,
    most: number,
    fault: (index: number, bytes: bigint) => Error,
  ): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) {
      this.#takeTexts(texts, count);
      if (texts.length === count) break;
      const bytes = await this.u64();
      if (bytes > this.remaining || bytes > most) throw fault(texts.length, bytes);
      texts.push(await this.text(Number(bytes)));
    }
    return texts;
  }

  /** Those that lie in the window as a whole, without a promise for each. */
  #takeTexts(texts: string[], count: number): void {
    const window = this.#window;
    while (texts.length < count) {
      const start = this.#cursor + 8;
      if (start > window.length) return;
      const end = start + window.readUInt32LE(start - 8) + window.readUInt32LE(start - 4) * 2 ** 32;
      if (end > window.length) return;
      texts.push(window.toString('utf8', start, end));
      this.#cursor = end;
    }
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
