// Answers as a table: what stands in cells, what a file that was cut becomes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { csvFormat } from '../../../src/batch/csv.js';
import { temporaryFolder } from '../../support/eval.js';
import { fakeModel, question } from '../../support/fake-model.js';

const digests = { question: '0123456789abcdef', settings: 'fedcba9876543210' };

it('quotes what needs it, and gives properties columns of their own', () => {
  const { head, write } = csvFormat(['name', 'tags', 'missing']);
  expect(head).toBe(
    'id,text,parsed.name,parsed.tags,parsed.missing,finishReason,promptTokens,visualTokens,completionTokens,error,question,settings\n',
  );
  const parsed = { name: 'a "b", c', tags: ['x', 'y'] };
  const usage = { promptTokens: 9, visualTokens: 4, completionTokens: 2 };
  const record = { id: 'a,b.jpg', text: 'one\ntwo', parsed, finishReason: 'stop' as const, usage };
  expect(write({ ...record, ...digests })).toBe(
    '"a,b.jpg","one\ntwo","a ""b"", c","[""x"",""y""]",,stop,9,4,2,,0123456789abcdef,fedcba9876543210\n',
  );
});

it.each([
  ['plain', 'text'],
  ['a, "b"\r\nc', '"'],
  [' x ', '\n\n'],
  ['=1+1', ''],
])('reads again what it wrote of %j', (id, text) => {
  const { write, read, isWhole } = csvFormat(['a']);
  const row = write({ id, text, ...digests });
  const lines = row.slice(0, -1).split('\n');
  const begins = lines.map((_, i) => lines.slice(0, i + 1).join('\n'));
  expect(begins.map(isWhole).indexOf(true)).toBe(lines.length - 1);
  expect(read(row.slice(0, -1))).toEqual({ id, ...digests, isError: false });
  const failed = write({ id, error: { code: 'ERR_X', message: text }, ...digests });
  expect(read(failed.slice(0, -1))).toEqual({ id, ...digests, isError: true });
});

it('a table that was cut anywhere becomes the same again', async () => {
  const { model } = await fakeModel({ reply: (prompt) => `"${question(prompt)}",\n\n` });
  const items = ['one', 'two', 'three'].map((prompt) => ({ id: `${prompt}\n"`, prompt }));
  const out = join(temporaryFolder(), 'answers.csv');
  const run = () => model.batch(items, { out, concurrency: 2 }).result;
  await run();
  const whole = readFileSync(out);
  for (let length = 0; length < whole.length; length += 17) {
    writeFileSync(out, whole.subarray(0, length));
    await run();
    expect(readFileSync(out)).toEqual(whole);
  }
  // As a spreadsheet saves it.
  writeFileSync(out, whole.toString().replaceAll(/(settings|[0-9a-f]{16})\n/g, '$1\r\n'));
  expect(await run()).toMatchObject({ asked: 0 });
});
