/** Reads a row's columns as what a benchmark expects them to be. Every function throws ERR_EVAL_DATA naming the column. */
import { LlavaError } from '../../errors.js';

/** A dataset's row by column: strings, numbers, booleans, lists, structs; bytes as Uint8Array. Integers are numbers. */
export type Row = Readonly<Record<string, unknown>>;

export function textColumn(row: Row, name: string): string {
  const value = row[name];
  return typeof value === 'string' ? value : fail(row, name, 'a string');
}

/** '' where there is none. */
export function optionalText(row: Row, name: string): string {
  return row[name] === null || row[name] === undefined ? '' : textColumn(row, name);
}

/** A number, or a string that is one. */
export function numberColumn(row: Row, name: string): number {
  const value = row[name];
  if (typeof value === 'number') return value;
  const isNumber = typeof value === 'string' && value.trim() !== '' && Number.isFinite(+value);
  return isNumber ? +value : fail(row, name, 'a number');
}

/** A list of strings; numbers in it are written out. */
export function textsColumn(row: Row, name: string): string[] {
  const value = row[name];
  const isList =
    Array.isArray(value) && value.every((item) => ['string', 'number'].includes(typeof item));
  return isList ? value.map(String) : fail(row, name, 'a list of strings');
}

/** A string or a number, written out: ids come as both. */
export function idColumn(row: Row, name: string): string {
  const value = row[name];
  const isId = typeof value === 'string' || typeof value === 'number';
  return isId ? String(value) : fail(row, name, 'a string or a number');
}

function fail(row: Row, column: string, expected: string): never {
  const value = row[column];
  const arrived =
    value === undefined
      ? `there is no such column, only ${Object.keys(row).join(', ')}`
      : `it is ${JSON.stringify(value)?.slice(0, 80)}`;
  throw new LlavaError(
    'ERR_EVAL_DATA',
    `Expected ${expected} in column ${column} of the dataset, but ${arrived}`,
    { column },
  );
}
