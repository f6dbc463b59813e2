/**
 * Parquet by row number. A row group, or the part of a very large one, is decoded at a time and the last few are kept: rows
 * are mostly asked for in order. Embedded pictures come as { bytes, path }.
 */
import type { FileHandle } from 'node:fs/promises';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { openFile } from '../../files/with-file.js';
import type { Row } from './columns.js';
import { dataError } from './data-error.js';
import type { Table } from './table.js';

/** Decoded at a time; a row of 1 MB is a large one. */
const WINDOW_BYTES = 256 * 2 ** 20;
const KEPT_WINDOWS = 3;

interface Window {
  start: number;
  end: number;
}

/** What was decoded last, of all shards of a table together. */
export class WindowCache {
  readonly #kept = new Map<object, Promise<Row[]>>();

  /** Two who want the same at a time both wait for one reading. */
  get(window: object, read: () => Promise<Row[]>): Promise<Row[]> {
    const rows = this.#kept.get(window) ?? read();
    this.#kept.delete(window);
    this.#kept.set(window, rows);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_WINDOWS) this.#kept.delete(oldest!);
    return rows;
  }
}

/** @throws ERR_EVAL_DATA */
export async function openParquet(path: string, cache: WindowCache): Promise<Table> {
  const handle = await openFile(path).catch((cause) => {
    throw dataError(path, cause.message, cause);
  });
  try {
    const file = await asBuffer(handle);
    const metadata = await parquetMetadataAsync(file);
    return new ParquetTable(path, handle, { file, metadata, cache });
  } catch (cause) {
    await handle.close();
    throw dataError(path, `it is no Parquet file (${(cause as Error).message})`, cause);
  }
}

class ParquetTable implements Table {
  readonly rows: number;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #source: { file: AsyncBuffer; metadata: FileMetaData };
  readonly #cache: WindowCache;
  readonly #windows: Window[];

  constructor(
    path: string,
    handle: FileHandle,
    source: { file: AsyncBuffer; metadata: FileMetaData; cache: WindowCache },
  ) {
    const { file, metadata, cache } = source;
    this.rows = Number(metadata.num_rows);
    this.#path = path;
    this.#handle = handle;
    this.#source = { file, metadata };
    this.#cache = cache;
    this.#windows = windowsOf(metadata);
  }

  async *scan(without: readonly string[]): AsyncGenerator<Row> {
    const names = this.#source.metadata.schema;
    const columns = topLevel(names).filter((name) => !without.includes(name));
    for (const window of this.#windows) {
      for (const row of await this.#read(window, columns)) yield plain(row) as Row;
    }
  }

  async row(index: number): Promise<Row> {
    const window = this.#windows.find(({ end }) => index < end)!;
    const rows = await this.#cache.get(window, () => this.#read(window));
    return plain(rows[index - window.start]) as Row;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #read({ start, end }: Window, columns?: string[]): Promise<Row[]> {
    try {
      return await parquetReadObjects({
        ...this.#source,
        ...(columns && { columns }),
        rowStart: start,
        rowEnd: end,
        compressors,
        utf8: false,
        useOffsetIndex: true,
      });
    } catch (cause) {
      throw dataError(
        this.#path,
        `rows ${start} to ${end - 1} cannot be read (${(cause as Error).message})`,
        cause,
      );
    }
  }
}

async function asBuffer(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      for (let done = 0; done < bytes.length; ) {
        const length = Math.min(bytes.length - done, 2 ** 30);
        const { bytesRead } = await handle.read(bytes, done, length, start + done);
        if (bytesRead === 0) throw new Error('it ends too early');
        done += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

function windowsOf({ row_groups: groups }: FileMetaData): Window[] {
  const windows: Window[] = [];
  let start = 0;
  for (const group of groups) {
    const rows = Number(group.num_rows);
    const nParts = Math.max(1, Math.ceil(Number(group.total_byte_size) / WINDOW_BYTES));
    const size = Math.ceil(rows / nParts);
    for (let from = 0; from < rows; from += size)
      windows.push({ start: start + from, end: start + Math.min(rows, from + size) });
    start += rows;
  }
  return windows;
}

/** The schema is a tree written depth first; the first element is its root. */
function topLevel(schema: FileMetaData['schema']): string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let i = 0; i < (schema[at]!.num_children ?? 0); i++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) names.push(schema[at]!.name);
  return names;
}

/** Numbers for integers, null for nothing, and bytes of their own: those of the reader hold its whole page. */
function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plain);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
