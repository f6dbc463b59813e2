// MMBench as the hub has it: rotations of one question, the judge where a letter cannot be inferred, the spreadsheet.
import { inflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { mmBench } from '../../../../src/eval/benchmarks/mmbench.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  ...{ index: 'int', question: 'string', hint: 'string', answer: 'string' },
  ...{ A: 'string', B: 'string', C: 'string', D: 'string', category: 'string', image: 'image' },
  ...{ source: 'string', 'L2-category': 'string', comment: 'string', split: 'string' },
};

function row(index: number, [A, B, C = 'nan']: string[], answer: string, hint = 'nan') {
  const about = { category: 'c', source: 's', 'L2-category': 'l', comment: 'nan', split: 'dev' };
  return { ...about, index, question: 'What is it?', hint, A, B, C, D: 'nan', answer };
}

const rows = [
  row(5, ['cat', 'dog'], 'A'),
  row(7, ['oak', 'fir', 'elm'], 'C', 'A tree.'),
  row(1_000_005, ['dog', 'cat'], 'B'),
  row(1_000_007, ['fir', 'elm', 'oak'], 'B'),
];

async function dataset(split = 'dev'): Promise<string> {
  const data = datasetFolder(mmBench);
  writeSplit(data, { config: 'en', split }, { columns, rows: await pictured(rows) });
  return data;
}

it('asks as documented and counts a question only in all its rotations', async () => {
  const answers = { 5: 'A', 1000005: 'B. cat', 7: 'C', 1000007: 'C' };
  const { asked, score } = await runBenchmark(mmBench, { data: await dataset(), answers });
  expect(asked[0]).toMatchObject({
    prompt:
      "<image>\nWhat is it? There are several options:\nA. cat\nB. dog\n\nAnswer with the option's letter from the given choices directly.",
    ...{ images: 1, maxTokens: 1024 },
  });
  expect(asked[1]!.prompt).toContain('<image>\nA tree. What is it? There are several options:');
  expect(score.mmbench).toBe(50);
});

const unclear = { 5: 'perhaps A. or B.', 1000005: 'B', 7: 'C', 1000007: 'B' };

it('counts what names no option as wrong without a judge, and reads it by rule under HEAD', async () => {
  const data = await dataset();
  const plain = await runBenchmark(mmBench, { data, answers: unclear });
  expect(plain.score.mmbench).toBe(50);
  const head = await runBenchmark(mmBench, {
    ...{ data, answers: { ...unclear, 5: 'B. or (A)' }, rules: 'HEAD' },
  });
  expect(head.score.mmbench).toBe(50 + 50 * Number(head.records[0]!.verdict!.parsed === 'A'));
  expect(head.records[0]!.verdict!.parsed).toBe('B'); // a single "B." stands there
});

it('asks the judge which option is meant', async () => {
  const data = await dataset();
  const judged = await runBenchmark(mmBench, {
    ...{ data, answers: unclear, replies: { 'dev/5': 'A' } },
  });
  expect(judged.score.mmbench).toBe(100);
  const drawn = await runBenchmark(mmBench, {
    ...{ data, answers: unclear, replies: { 'dev/5': 'who knows' } },
  });
  expect(drawn.records[0]!.verdict).toMatchObject({ isRandom: true });
});

it('writes the spreadsheet of the test split', async () => {
  const answers = { 5: 'A & "B" <1>', 1000005: 'B\u0001', 7: 'C', 1000007: 'B' };
  const { submissions } = await runBenchmark(mmBench, {
    ...{ data: await dataset('test'), answers, subset: ['test'] },
  });
  const sheet = unzip(submissions['mmbench_en_test_results.xlsx'] as Uint8Array);
  expect(Object.keys(sheet)).toContain('xl/workbook.xml');
  const lines = sheet['xl/worksheets/sheet1.xml']!.split('<row ').slice(1);
  const cells = lines.map((line) =>
    Array.from(line.matchAll(/<(?:t|v)[^>]*>([^<]*)</g), ([, t]) => t),
  );
  expect(cells[0]).toEqual(
    'index question answer prediction hint source split category L2-category A B C D E'.split(' '),
  );
  expect(cells[1]!.slice(0, 4)).toEqual(['5', 'What is it?', 'A', 'A &amp; "B" &lt;1&gt;']);
  expect(cells[3]!.slice(0, 4)).toEqual(['1000005', 'What is it?', 'B', 'B_x0001_']);
});

/** Entries of a ZIP file by its directory. */
function unzip(bytes: Uint8Array): Record<string, string> {
  const file = Buffer.from(bytes);
  const end = file.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let at = file.readUInt32LE(end + 16);
  const entries: Record<string, string> = {};
  for (let n = file.readUInt16LE(end + 10); n > 0; n--) {
    const [method, size] = [file.readUInt16LE(at + 10), file.readUInt32LE(at + 20)];
    const nameLength = file.readUInt16LE(at + 28);
    const name = file.toString('utf8', at + 46, at + 46 + nameLength);
    const local = file.readUInt32LE(at + 42);
    const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    const content = file.subarray(start, start + size);
    entries[name] = (method === 8 ? inflateRawSync(content) : content).toString();
    at += 46 + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  return entries;
}
