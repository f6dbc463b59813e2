/**
 * What was asked and answered, one JSON object per line, appended as answers come. A line that a killed process has left
 * half written is dropped when the file is opened again; of several lines about one sample the last counts.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LlavaError } from '../errors.js';
import { makeFolder } from '../files/make-folder.js';
import { writeError } from '../files/whole-file.js';
import { openFile } from '../files/with-file.js';

export interface AnswerRecord {
  part: string;
  id: string;
  /** Row of the part. */
  index: number;
  unit: string;
  unitSize: number;
  category?: string;
  prompt: string;
  /** What `score` compares with; absent where answers are not public. */
  gold?: unknown;
  images: number;
  video?: string;
  /** Stripped; absent when asking failed. */
  answer?: string;
  finishReason?: string;
  promptTokens?: number;
  visualTokens?: number;
  answerTokens?: number;
  error?: { code: string; message: string };
  promptHash: string;
  /** How long this answer took, ms. */
  ms: number;
  /** When the run began and when this answer came, ms since 1970. */
  run: number;
  at: number;
}

const SYNC_MS = 1000;
const LF = 10;

export class AnswerLog {
  readonly #file: FileHandle;
  readonly #path: string;
  /** Writes follow each other. */
  #last: Promise<void> = Promise.resolve();
  #syncedAt = performance.now();

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** @throws ERR_WRITE */
  static async open(path: string): Promise<AnswerLog> {
    try {
      await makeFolder(dirname(path));
      const file = await open(path, 'a+');
      await dropTornLine(file);
      return new AnswerLog(path, file);
    } catch (cause) {
      throw writeError(path, cause);
    }
  }

  /** @throws ERR_WRITE */
  append(record: AnswerRecord): Promise<void> {
    this.#last = this.#last.then(() => this.#write(`${JSON.stringify(record)}\n`));
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#file.sync().catch(() => {});
    await this.#file.close();
  }

  async #write(line: string): Promise<void> {
    try {
      await this.#file.appendFile(line);
      if (performance.now() - this.#syncedAt < SYNC_MS) return;
      await this.#file.sync();
      this.#syncedAt = performance.now();
    } catch (cause) {
      throw writeError(this.#path, cause);
    }
  }
}

/** In the order of the file; nothing if there is none. @throws ERR_EVAL_RESULTS */
export function readAnswers(path: string): AsyncGenerator<AnswerRecord> {
  return readJsonLines<AnswerRecord>(path);
}

/** Lines of JSON, of which the last may be torn: it is left out. @throws ERR_EVAL_RESULTS */
export async function* readJsonLines<T>(path: string): AsyncGenerator<T> {
  const file = await openFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw unreadable(path, cause);
  });
  if (!file) return;
  let number = 0;
  let torn: Error | undefined;
  for await (const line of file.readLines()) {
    if (torn) throw torn;
    number++;
    if (line === '') continue;
    let value: T;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      torn = unreadable(`line ${number} of ${path}`, cause);
      continue;
    }
    yield value;
  }
}

function unreadable(where: string, cause: unknown): LlavaError {
  const message = `Cannot read ${where}: ${(cause as Error).message}`;
  return new LlavaError('ERR_EVAL_RESULTS', message, { path: where }, { cause });
}

async function dropTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const at = block.subarray(0, bytesRead).lastIndexOf(LF);
    if (at >= 0) return truncate(file, start + at + 1, size);
    end = start;
  }
  await truncate(file, 0, size);
}

async function truncate(file: FileHandle, to: number, size: number): Promise<void> {
  if (to < size) await file.truncate(to);
}
