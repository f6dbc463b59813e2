import { picture } from './eval.js';

/** Rows with a picture each. */
export async function pictured<Row extends object>(
  rows: readonly Row[],
  column = 'image',
): Promise<(Row & Record<string, unknown>)[]> {
  return Promise.all(rows.map(async (row, i) => ({ ...row, [column]: await picture(i) })));
}
