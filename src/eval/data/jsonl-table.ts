/** One JSON object per line, found by where its line begins. */
import type { FileHandle } from 'node:fs/promises';
import { openFile } from '../../files/with-file.js';
import type { Row } from './columns.js';
import { dataError } from './data-error.js';
import { type Table, withoutColumns } from './table.js';

const LF = 10;

/** @throws ERR_EVAL_DATA */
export async function openJsonLines(path: string): Promise<Table> {
  const file = await openFile(path).catch((cause) => {
    throw dataError(path, cause.message, cause);
  });
  const starts = await lineStarts(file);
  const rows = starts.length - 1;
  const row = async (index: number) => {
    const start = starts[index]!;
    const bytes = Buffer.alloc(starts[index + 1]! - start);
    await file.read(bytes, 0, bytes.length, start);
    return parseRow(bytes.toString(), `${path}, line ${index + 1}`);
  };
  return {
    rows,
    row,
    async *scan(without) {
      for (let i = 0; i < rows; i++) yield withoutColumns(await row(i), without);
    },
    close: () => file.close(),
  };
}

/** @returns where each line that is not empty begins, and where the file ends */
async function lineStarts(file: FileHandle): Promise<number[]> {
  const starts: number[] = [];
  let lineStart = 0;
  let position = 0;
  const endLine = (end: number) => {
    if (end - lineStart > 1) starts.push(lineStart);
  };
  for await (const chunk of file.createReadStream({ autoClose: false, start: 0 })) {
    const bytes = chunk as Buffer;
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
      endLine(position + at);
      lineStart = position + at + 1;
    }
    position += bytes.length;
  }
  endLine(position);
  return [...starts, position];
}

export function parseRow(text: string, where: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw dataError(where, `it is not JSON (${(cause as Error).message})`, cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
  throw dataError(where, 'expected an object of columns');
}
