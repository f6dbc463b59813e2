/** One JSON array of objects. Read whole: such files are small, since nothing can be embedded in them. */
import { readText } from '../../files/read-whole.js';
import type { Row } from './columns.js';
import { dataError } from './data-error.js';
import { type Table, withoutColumns } from './table.js';

const MAX_BYTES = 256 << 20;

/** @throws ERR_EVAL_DATA */
export async function openJson(path: string): Promise<Table> {
  const rows = await readRows(path);
  return {
    rows: rows.length,
    row: async (index) => rows[index]!,
    async *scan(without) {
      for (const row of rows) yield withoutColumns(row, without);
    },
    async close() {},
  };
}

async function readRows(path: string): Promise<Row[]> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(path, MAX_BYTES));
  } catch (cause) {
    throw dataError(path, (cause as Error).message, cause);
  }
  const isRows =
    Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null);
  if (!isRows) throw dataError(path, 'expected an array of objects');
  return value as Row[];
}
