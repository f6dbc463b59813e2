// Tables by row: Parquet of several row groups and codecs, JSON lines, JSON; what is no table says so.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../../src/eval/data/columns.js';
import { openTable, openTables } from '../../../../src/eval/data/open-table.js';
import { temporaryFolder } from '../../../support/eval.js';
import { writeParquet } from '../../../support/parquet.js';

const folder = temporaryFolder();
const COLUMNS = {
  image: 'image',
  images: 'image[]',
  question: 'string',
  options: 'string[]',
  answer: 'int',
  score: 'double',
  known: 'bool',
} as const;

const bytes = (n: number) => Buffer.alloc(50, n);
const rowOf = (i: number) => ({
  image: i === 2 ? null : { bytes: bytes(i), path: `${i}.png` },
  images:
    i === 1
      ? []
      : [
          { bytes: bytes(i), path: null },
          { bytes: bytes(i + 1), path: null },
        ],
  question: i === 3 ? null : `wie groß? ${i}`,
  options: ['a', 'é', String(i)],
  answer: i - 5,
  score: i / 2,
  known: i % 2 === 0,
});
const rows = Array.from({ length: 11 }, (_, i) => rowOf(i));
const plain = (row: unknown) =>
  JSON.parse(JSON.stringify(row, (_, v) => (isBytes(v) ? toBase64(v) : v)));
const isBytes = (v: unknown) =>
  v instanceof Uint8Array || (v as { type?: string })?.type === 'Buffer';
const toBase64 = (v: { data?: number[] } & Uint8Array) =>
  Buffer.from(v.data ?? v).toString('base64');

async function all(rows: AsyncIterable<Row>): Promise<Row[]> {
  const out: Row[] = [];
  for await (const row of rows) out.push(row);
  return out;
}

describe.each(['none', 'gzip'] as const)('Parquet, %s', (codec) => {
  it.each([1, 3, 100])('gives any row, %i of them in a group', async (rowGroup) => {
    const path = join(folder, `${codec}-${rowGroup}.parquet`);
    writeParquet(path, COLUMNS, rows, { rowGroup, codec });
    const table = await openTable(path);
    expect(table.rows).toBe(11);
    for (const i of [10, 0, 5, 4, 2, 1, 3, 10])
      expect(plain(await table.row(i))).toEqual(plain(rows[i]));
    const scanned = await all(table.scan(['image', 'images']));
    expect(scanned.map(({ question }) => question)).toEqual(rows.map(({ question }) => question));
    expect(Object.keys(scanned[0]!)).toEqual(['question', 'options', 'answer', 'score', 'known']);
    await table.close();
  });
});

it('gives pictures bytes of their own', async () => {
  const path = join(folder, 'own.parquet');
  writeParquet(path, COLUMNS, rows);
  const table = await openTable(path);
  const { image } = (await table.row(4)) as { image: { bytes: Uint8Array } };
  expect(image.bytes.buffer.byteLength).toBe(image.bytes.byteLength);
  await table.close();
});

it('joins shards', async () => {
  const paths = [0, 1, 2].map((i) => join(folder, `shard-${i}.parquet`));
  for (const [i, path] of paths.entries())
    writeParquet(path, COLUMNS, rows.slice(i * 4, i * 4 + 4));
  const table = await openTables(paths);
  expect(table.rows).toBe(11);
  expect((await table.row(9)).answer).toBe(4);
  expect((await all(table.scan(['image']))).map(({ answer }) => answer)).toEqual(
    rows.map(({ answer }) => answer),
  );
  await table.close();
});

it('reads JSON lines, the last without its end, and JSON', async () => {
  const lines = rows.map(({ question, answer }) => JSON.stringify({ question, answer }));
  writeFileSync(
    join(folder, 'a.jsonl'),
    `${lines.slice(0, 5).join('\n')}\r\n\n${lines.slice(5).join('\n')}`,
  );
  writeFileSync(join(folder, 'a.json'), `[${lines}]`);
  for (const name of ['a.jsonl', 'a.json']) {
    const table = await openTable(join(folder, name));
    expect(table.rows).toBe(11);
    expect(await table.row(7)).toEqual({ question: 'wie groß? 7', answer: 2 });
    expect((await all(table.scan(['question']))).at(-1)).toEqual({ answer: 5 });
    await table.close();
  }
});

it.each([
  ['a.parquet', 'not Parquet at all', 'it is no Parquet file'],
  ['b.json', '{}', 'expected an array of objects'],
  ['c.json', '[1]', 'expected an array of objects'],
  ['d.txt', 'x', 'expected a table'],
])('refuses %s', async (name, text, problem) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  const error = { code: 'ERR_EVAL_DATA', message: expect.stringContaining(problem) };
  await expect(openTable(path)).rejects.toMatchObject(error);
});

it('names the line that is no object, and the file that is cut short', async () => {
  const path = join(folder, 'e.jsonl');
  writeFileSync(path, '{"a":1}\n{"a":\n[1]\n');
  const table = await openTable(path);
  await expect(table.row(1)).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
    message: expect.stringContaining('e.jsonl, line 2'),
  });
  await expect(table.row(2)).rejects.toMatchObject({ code: 'ERR_EVAL_DATA' });
  await table.close();
  await expect(openTable(join(folder, 'none.parquet'))).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
  });
  await expect(openTable(join(folder, 'none.jsonl'))).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
  });
});
