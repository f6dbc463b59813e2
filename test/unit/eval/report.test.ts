// Reports, comparisons and submissions of made-up results.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Benchmark } from '../../../src/eval/benchmark.js';
import { benchmarks } from '../../../src/eval/benchmarks/index.js';
import { compareResults } from '../../../src/eval/compare.js';
import { listRows } from '../../../src/eval/list.js';
import { namedBenchmarks } from '../../../src/eval/named-benchmarks.js';
import { makeReport } from '../../../src/eval/report.js';
import { formatSeconds, reportMarkdown, reportTable } from '../../../src/eval/report-text.js';
import { makeSubmissions } from '../../../src/eval/submissions.js';
import { writeReport } from '../../../src/eval/write-report.js';
import { temporaryFolder } from '../../support/eval.js';
import {
  addUp,
  fakeAsker,
  pairs,
  runInto,
  sums,
  sumsFolder,
} from '../../support/synthetic-benchmark.js';

const known = [sums as Benchmark];
const right = async (prompt: string) => {
  const [a = 0, b = 0] = (prompt.match(/\d+/g) ?? []).map(Number);
  return String(a + b);
};

async function resultsOf(
  answer: (prompt: string) => Promise<string>,
  benchmark = sums,
  count = 30,
) {
  const out = temporaryFolder();
  await runInto(benchmark, { data: sumsFolder(count), out, asker: fakeAsker(answer) });
  return out;
}

it('tells score, interval, card, difference, counts and categories', async () => {
  const out = await resultsOf(addUp);
  const { rows, label, rules } = await makeReport(out, known);
  expect({ label, rules }).toEqual({ label: 'fake', rules: 'v0.2.2' });
  const [row] = rows;
  expect(row).toMatchObject({
    ...{ benchmark: 'sums', name: 'sums', title: 'Sums', card: 50, samples: 30, selected: 30 },
    ...{ errors: 0, random: 0, unscored: {}, promptTokens: 210, answerTokens: 60 },
    score: (100 * 25) / 30,
    difference: (100 * 25) / 30 - 50,
  });
  expect(row!.interval![0]).toBeCloseTo(66.44, 1);
  expect(row!.interval![1]).toBeCloseTo(92.66, 1);
  expect(row!.categories.low!.samples).toBe(10);
  expect(row!.seconds).toBeGreaterThan(0);
});

it('prints a table, and writes JSON and Markdown', async () => {
  const out = await resultsOf(addUp);
  const report = await makeReport(out, known);
  const fixed = { ...report, rows: report.rows.map((row) => ({ ...row, seconds: 65, errors: 2 })) };
  expect(reportTable(fixed)).toBe(
    [
      'row   score         95 %  card  difference  samples  errors  tokens        time',
      'Sums   83.3  66.4 … 92.7  50.0       +33.3       30       2     270  1 min 05 s',
      'Sums: 2 questions failed and are not in the score.',
      '',
    ].join('\n'),
  );
  expect(reportMarkdown(fixed)).toContain(
    '| Sums | 83.3 | 66.4 … 92.7 | 50.0 | +33.3 | 30 | 2 | 270 | 1 min 05 s |',
  );
  expect(reportMarkdown(fixed)).toContain('## Sums');
  await writeReport(out, report);
  expect(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))).toEqual(report);
  expect(existsSync(join(out, 'report.md'))).toBe(true);
  expect([4.25, 65, 3900].map(formatSeconds)).toEqual(['4.3 s', '1 min 05 s', '1 h 05 min']);
});

it('never scores what has no score: judges, hidden answers, halves of a unit', async () => {
  const judged: Benchmark<number> = {
    ...sums,
    score: () => ({ score: null, unscored: 'judge required' }),
  };
  const out = await resultsOf(addUp);
  const [row] = (await makeReport(out, [judged as Benchmark])).rows;
  expect(row).toMatchObject({
    ...{ score: null, difference: null, interval: null, samples: 0 },
    ...{ unscored: { 'judge required': 30 }, note: 'not scored (judge required)' },
  });
  expect(reportTable(await makeReport(out, [judged as Benchmark]))).toContain(
    'not scored (judge required)',
  );

  const hidden = {
    ...sums,
    data: { ...sums.data, parts: [{ name: 'test', split: 'test', isHidden: true }] },
  };
  const [secret] = (await makeReport(out, [hidden as Benchmark])).rows;
  expect(secret).toMatchObject({ score: null, note: 'not scored (no public answers)' });

  const flaky = await resultsOf(async (prompt) => {
    if (prompt === '3 + 6 = ?')
      throw Object.assign(
        new (await import('../../../src/errors.js')).LlavaError('ERR_ENCODE', ''),
      );
    return addUp(prompt);
  }, pairs);
  const [half] = (await makeReport(flaky, [pairs as Benchmark])).rows;
  expect(half).toMatchObject({ samples: 28, errors: 1, unscored: { 'incomplete unit': 1 } });
});

it('writes a submission of what is hidden, in the order of the data', async () => {
  const benchmark: Benchmark<number> = {
    ...sums,
    submission: {
      parts: ['test', 'other'],
      write: (answers, { part }) => ({
        name: `sums-${part}.json`,
        content: JSON.stringify(answers.map(({ id, answer }) => [id, answer])),
      }),
    },
  };
  const out = temporaryFolder();
  await runInto(benchmark, { data: sumsFolder(30), out, asker: fakeAsker(), concurrency: 8 });
  const files = await makeSubmissions(out, benchmark as Benchmark, { rules: 'v0.2.2' });
  expect(files.map(({ name }) => name)).toEqual(['sums-test.json']);
  const ids = (JSON.parse(String(files[0]!.content)) as [string, string][]).map(([id]) => id);
  expect(ids).toEqual(Array.from({ length: 30 }, (_, i) => `s${i}`));
});

it('compares two results sample by sample', async () => {
  const [a, b] = [await resultsOf(right), await resultsOf(addUp)];
  const comparison = await compareResults([a, b], known);
  const [row] = comparison.rows;
  expect(row).toMatchObject({
    ...{ a: 100, b: (100 * 25) / 30, samples: 30, better: 0, worse: 5 },
    ...{ changedAnswers: 5, otherQuestions: 0 },
  });
  // Five of thirty fall: -5 / 32, and six of 32 changed, half a pair being added to each outcome.
  const half = 1.959964 * Math.sqrt((6 / 32 - (5 / 32) ** 2) / 32);
  expect(row!.interval![0]).toBeCloseTo(100 * (-5 / 32 - half), 6);
  expect(row!.interval![1]).toBeCloseTo(100 * (-5 / 32 + half), 6);
  expect(row!.changes).toHaveLength(5);
  expect(row!.changes[0]).toMatchObject({ part: 'test', scores: [1, 0], gold: expect.any(Number) });
  const same = await compareResults([a, a], known);
  expect(same.rows[0]).toMatchObject({ difference: 0, changes: [] });
});

it('compares only what both have, and the same questions', async () => {
  const a = await resultsOf(right, sums, 30);
  const b = await resultsOf(addUp, sums, 12);
  expect((await compareResults([a, b], known)).rows[0]!.samples).toBe(12);
  const renamed: typeof sums = {
    ...sums,
    sample: (...row) => ({ ...sums.sample(...row)!, prompt: '1 + 1 = ?' }),
  };
  const c = await resultsOf(addUp, renamed, 30);
  expect((await compareResults([a, c], known)).rows[0]).toMatchObject({
    a: null,
    samples: 0,
    otherQuestions: 30,
  });
  await expect(compareResults([a, temporaryFolder()], known)).rejects.toMatchObject({
    code: 'ERR_EVAL_RESULTS',
  });
  const d = await resultsOf(addUp, pairs);
  await expect(compareResults([a, d], [...known, pairs as Benchmark])).rejects.toMatchObject({
    code: 'ERR_EVAL_RESULTS',
    message: expect.stringContaining('no benchmark in common'),
  });
});

it('lists the 30 rows of the card, nine of them judged', () => {
  const rows = listRows();
  expect(rows).toHaveLength(30);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(30);
  expect(rows.filter(({ judge }) => judge !== null)).toHaveLength(9);
  for (const row of rows) {
    expect(row).toMatchObject({ family: expect.stringMatching(/^F/), card: expect.any(Number) });
    expect(row.files.length).toBeGreaterThan(0);
    expect(row.datasets.length).toBeGreaterThan(0);
    expect(row.samples).toBeGreaterThan(0);
  }
  const card = Object.fromEntries(rows.map(({ title, card }) => [title, card]));
  expect(card).toMatchObject({ AI2D: 81.4, ChartQA: 80, VideoMME: 58.2 });
  expect(listRows({ all: true }).map(({ name }) => name)).toContain('demo-vqa');
});

it('every benchmark has a name of its own, usable for a folder, and parts of different names', () => {
  const names = benchmarks.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, data } of benchmarks) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(new Set(data.parts.map((part) => part.name)).size).toBe(data.parts.length);
  }
});

it('takes names of benchmarks and of their rows', () => {
  const named = (...names: string[]) =>
    namedBenchmarks(names).map(({ benchmark, rows }) => [
      benchmark.name,
      rows?.map(({ name }) => name),
    ]);
  expect(named('mme-perception', 'ai2d')).toEqual([
    ['mme', ['mme-perception']],
    ['ai2d', undefined],
  ]);
  expect(named('mme-perception', 'mme')).toEqual([['mme', undefined]]);
  expect(() => named('mm')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
});
