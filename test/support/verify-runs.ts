/** Runs of `verify` and what their reports say; a table of what the reference answered about the demo. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { KnownAnswers } from '../../src/verify/known-answers.js';
import type { CheckResult, VerifyReport } from '../../src/verify/report.js';
import { cli } from './cli.js';
import { goldenCases, goldenRows } from './golden.js';
import { temporaryFolder } from './tiny-decoder.js';

const golden = goldenCases('demo').find(({ id }) => id === 'shape-0')!;

export const [picture, question] = golden.messages[0]!.content as unknown as [
  { image: string },
  { text: string },
];

/** As the reference, in f32, saw the first golden picture of the demo. */
export function demoTable(): KnownAnswers & { picture: NonNullable<KnownAnswers['picture']> } {
  const { rowIndex, rows } = goldenRows(golden, 0);
  const width = rows.length / rowIndex.length;
  const [media] = golden.media;
  return {
    name: 'demo',
    model: { layers: 3, embeddingSize: 256 },
    prompts: [
      {
        dialect: 'llava-next',
        question: question.text,
        ids: golden.promptTokens.map((id) => (id === -200 ? -1 : id)),
      },
    ],
    picture: {
      ...sizeOf(picture.image),
      grid: media!.grid!,
      final: media!.final!,
      tiles: media!.tiles.length,
      rows: media!.rows,
      visualRows: Array.from(rowIndex, (row, i) => ({
        row,
        values: [...rows.subarray(i * width, (i + 1) * width)],
      })),
    },
    answers: [{ question: question.text, starts: [golden.greedy.text] }],
  };
}

/** Of a PNG, from its header. */
function sizeOf(path: string): { width: number; height: number } {
  const bytes = readFileSync(path);
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

export const statuses = ({ checks }: VerifyReport) =>
  Object.fromEntries(checks.map(({ name, status }) => [name, status]));

export const named = ({ checks }: VerifyReport, start: string) =>
  checks.find(({ name }) => name.startsWith(start)) as CheckResult;

export interface VerifyRig {
  /** A folder for the file's tests. */
  dir: string;
  tableFile(table: unknown): string;
  verify(...args: string[]): Promise<{ status: number | null; report: VerifyReport }>;
}

/** To be called once in a test file. */
export function verifyRig(): VerifyRig {
  const { path: dir, remove } = temporaryFolder();
  afterAll(remove);
  let nTables = 0;
  return {
    dir,
    tableFile(table) {
      const path = join(dir, `table-${nTables++}.json`);
      writeFileSync(path, typeof table === 'string' ? table : JSON.stringify(table));
      return path;
    },
    async verify(...args) {
      const { status, stdout, stderr } = await cli(['verify', ...args, '--threads', '1', '--json']);
      expect(stderr).toBe('');
      return { status, report: JSON.parse(stdout) };
    },
  };
}
