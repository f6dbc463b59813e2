/** The parts of a benchmark's data that a subset asks for, found and opened. */
import { dirname } from 'node:path';
import type { Benchmark, DataPart } from '../benchmark.js';
import { selectParts } from '../select.js';
import type { Row } from './columns.js';
import { findPart } from './dataset.js';
import type { MediaFolders } from './media.js';
import { openTables } from './open-table.js';
import type { Table } from './table.js';

export interface OpenPart {
  part: DataPart;
  table: Table;
  /** Where its pictures and clips may lie. */
  folders: MediaFolders;
  scan(): AsyncIterable<Row>;
}

export interface OpenData extends AsyncDisposable {
  list: OpenPart[];
  close(): Promise<void>;
}

/** @throws ERR_EVAL_DATA, ERR_INVALID_ARGUMENT */
export async function openData(
  benchmark: Benchmark,
  options: {
    data: string;
    media?: string | undefined;
    subset?: readonly string[] | undefined;
  },
): Promise<OpenData> {
  const { data: source } = benchmark;
  const list: OpenPart[] = [];
  const close = async () => {
    await Promise.all(list.map(({ table }) => table.close()));
  };
  try {
    for (const part of selectParts(benchmark, options.subset)) {
      const { folder, tables } = await findPart(options.data, source, part);
      const table = await openTables(tables);
      const folders = [folder, dirname(tables[0]!), ...(options.media ? [options.media] : [])];
      list.push({ part, table, folders, scan: () => table.scan(source.mediaColumns) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { list, close, [Symbol.asyncDispose]: close };
}
