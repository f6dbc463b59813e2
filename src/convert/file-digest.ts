/** SHA-256 of a file that is still being written: hashes what is there already, while the writer goes on. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const PIECE_BYTES = 4 << 20;

export class FileDigest {
  readonly #path: string;
  readonly #hash = createHash('sha256');
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #file: FileHandle | undefined;
  #position = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Hashes up to the file's present end. */
  async catchUp(): Promise<void> {
    this.#file ??= await open(this.#path, 'r');
    for (;;) {
      const { bytesRead } = await this.#file.read(this.#piece, 0, PIECE_BYTES, this.#position);
      if (bytesRead === 0) return;
      this.#hash.update(this.#piece.subarray(0, bytesRead));
      this.#position += bytesRead;
    }
  }

  /** Of the whole file, in hex. */
  async finish(): Promise<string> {
    await this.catchUp();
    return this.#hash.digest('hex');
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
