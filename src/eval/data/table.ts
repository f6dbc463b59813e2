/** What every kind of table gives. */
import type { Row } from './columns.js';

export interface Table {
  readonly rows: number;
  /** All rows in order, without the given columns. */
  scan(without: readonly string[]): AsyncGenerator<Row>;
  /** @param index 0 to rows - 1 */
  row(index: number): Promise<Row>;
  close(): Promise<void>;
}

export const TABLE_TYPES = ['.parquet', '.jsonl', '.json'] as const;

export function withoutColumns(row: Row, without: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !without.includes(name)));
}
