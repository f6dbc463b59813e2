/** The rows of one or more files, as a stream and by number; never all of them in memory. */
import { extname } from 'node:path';
import { dataError } from './data-error.js';
import { openJson } from './json-table.js';
import { openJsonLines } from './jsonl-table.js';
import { openParquet, WindowCache } from './parquet-table.js';
import { TABLE_TYPES, type Table } from './table.js';

/** @throws ERR_EVAL_DATA */
export async function openTable(path: string, cache = new WindowCache()): Promise<Table> {
  switch (extname(path).toLowerCase()) {
    case '.parquet':
      return openParquet(path, cache);
    case '.jsonl':
      return openJsonLines(path);
    case '.json':
      return openJson(path);
  }
  throw dataError(path, `expected a table (${TABLE_TYPES.join(', ')})`);
}

/** Shards as one table. */
export async function openTables(paths: readonly string[]): Promise<Table> {
  const tables: Table[] = [];
  const cache = new WindowCache();
  try {
    for (const path of paths) tables.push(await openTable(path, cache));
  } catch (error) {
    await Promise.all(tables.map((table) => table.close()));
    throw error;
  }
  return {
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    async *scan(without) {
      for (const table of tables) yield* table.scan(without);
    },
    async row(index) {
      let rest = index;
      for (const table of tables) {
        if (rest < table.rows) return table.row(rest);
        rest -= table.rows;
      }
      throw new RangeError(`Row ${index} of ${index - rest}`);
    },
    async close() {
      await Promise.all(tables.map((table) => table.close()));
    },
  };
}
