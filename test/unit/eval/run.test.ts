// Asking: what is asked, in which order, what is kept after an interruption, what ends a run.
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { LlavaError } from '../../../src/errors.js';
import { type AnswerRecord, readAnswers } from '../../../src/eval/answers.js';
import type { Benchmark } from '../../../src/eval/benchmark.js';
import { makeReport } from '../../../src/eval/report.js';
import { answersPath, lockResults, openResults } from '../../../src/eval/results.js';
import { AppendLog } from '../../../src/files/append-log.js';
import { temporaryFolder } from '../../support/eval.js';
import { writeParquet } from '../../support/parquet.js';
import {
  addUp,
  fakeAsker,
  pairs,
  replyOf,
  runInto,
  sums,
  sumsFolder,
} from '../../support/synthetic-benchmark.js';

async function answersOf(out: string, name = 'sums'): Promise<AnswerRecord[]> {
  const records: AnswerRecord[] = [];
  for await (const record of readAnswers(answersPath(out, name))) records.push(record);
  return records;
}

const texts = (records: AnswerRecord[]) =>
  records.map(({ id, answer }) => `${id}: ${answer}`).sort();

it('gives the same answers whatever is under way at a time', async () => {
  const data = sumsFolder(50);
  const outs = await Promise.all(
    [1, 4, 64].map(async (concurrency) => {
      const out = temporaryFolder();
      await runInto(sums, { data, out, asker: fakeAsker(), concurrency });
      return out;
    }),
  );
  const [one, four, many] = await Promise.all(outs.map((out) => answersOf(out)));
  expect(one).toHaveLength(50);
  expect(texts(four!)).toEqual(texts(one!));
  expect(texts(many!)).toEqual(texts(one!));
  expect(one![3]).toMatchObject({
    ...{ part: 'test', id: 's3', index: 3, unit: 's3', unitSize: 1, category: 'low', gold: 4 },
    ...{ prompt: '1 + 3 = ?', images: 0, finishReason: 'stop', promptTokens: 7, answerTokens: 2 },
    answer: '5',
  });
});

it('goes on where it was interrupted, past a torn line, and ends with the same figures', async () => {
  const data = sumsFolder(60);
  const whole = temporaryFolder();
  await runInto(sums, { data, out: whole, asker: fakeAsker() });

  const out = temporaryFolder();
  const controller = new AbortController();
  const reason = new Error('enough');
  const first = fakeAsker();
  const stopping = runInto(sums, {
    ...{ data, out, concurrency: 4, signal: controller.signal },
    asker: {
      ...first,
      ask: (question, signal) => {
        if (first.asked.length === 25) controller.abort(reason);
        return first.ask(question, signal);
      },
    },
  });
  await expect(stopping).rejects.toBe(reason);
  const path = answersPath(out, 'sums');
  const kept = await answersOf(out);
  expect(kept.length).toBeGreaterThan(15);
  expect(kept.length).toBeLessThan(30);
  // As a kill leaves it.
  truncateSync(path, readFileSync(path).length - 20);

  const second = fakeAsker();
  await runInto(sums, { data, out, asker: second, concurrency: 3 });
  expect(second.asked).toHaveLength(60 - (kept.length - 1));
  expect(texts(await answersOf(out))).toEqual(texts(await answersOf(whole)));
  const third = fakeAsker();
  const { done, total } = await runInto(sums, { data, out, asker: third });
  expect({ done, total, asked: third.asked }).toEqual({ done: 60, total: 60, asked: [] });

  const [a, b] = [
    await makeReport(out, [sums as Benchmark]),
    await makeReport(whole, [sums as Benchmark]),
  ];
  expect({ ...a.rows[0], seconds: 0 }).toEqual({ ...b.rows[0], seconds: 0 });
});

it('a larger limit asks only what is new', async () => {
  const data = sumsFolder(40);
  const out = temporaryFolder();
  const asker = fakeAsker();
  await runInto(sums, { data, out, asker, selection: { limit: 10 } });
  await runInto(sums, { data, out, asker, selection: { limit: 25 } });
  expect(asker.asked).toHaveLength(25);
  expect(new Set(asker.asked).size).toBe(25);
});

it('refuses the results of another model, other rules, other questions, and a folder in use', async () => {
  const data = sumsFolder(5);
  const out = temporaryFolder();
  const asker = fakeAsker();
  await runInto(sums, { data, out, asker });
  const refused = (problem: string) => ({
    code: 'ERR_EVAL_RESULTS',
    message: expect.stringContaining(problem),
  });
  const other = { identity: { kind: 'fake', model: 'b' }, label: '' };
  await expect(openResults(out, other, 'v0.2.2')).rejects.toMatchObject(refused('another model'));
  await expect(openResults(out, asker, 'HEAD')).rejects.toMatchObject(
    refused('rules v0.2.2, not HEAD'),
  );
  const changed = {
    ...sums,
    sample: (...place: Parameters<typeof sums.sample>) => ({
      ...sums.sample(...place)!,
      prompt: 'new',
    }),
  };
  await expect(runInto(changed, { data, out, asker })).rejects.toMatchObject(
    refused('another question as test/s0'),
  );

  const unlock = await lockResults(out);
  await expect(lockResults(out)).rejects.toMatchObject(refused(`process ${process.pid}`));
  await unlock();
  // Nobody has this number: the process that had it was killed.
  writeFileSync(join(out, 'eval.lock'), '4194999');
  await (await lockResults(out))();

  appendFileSync(answersPath(out, 'sums'), 'not JSON\n{}\n');
  await expect(makeReport(out, [sums as Benchmark])).rejects.toMatchObject(refused('line 6'));
  writeFileSync(join(out, 'eval.json'), '{"format":2}');
  await expect(makeReport(out)).rejects.toMatchObject(refused('format 1'));
  await expect(makeReport(data)).rejects.toMatchObject(refused('no eval.json'));
});

it('says where it cannot write', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const refused = { code: 'ERR_WRITE', message: expect.stringContaining(file) };
  await expect(lockResults(join(file, 'out'))).rejects.toMatchObject(refused);
  await expect(AppendLog.open(join(file, 'answers.jsonl'))).rejects.toMatchObject(refused);
});

it('knows of each row how much was selected', async () => {
  const [row] = sums.rows;
  const rows = ['low', 'high'].map((name) => ({
    ...row!,
    name,
    of: (s: { category?: string }) => s.category === name,
  }));
  const benchmark = { ...sums, rows };
  const [data, out, asker] = [sumsFolder(30), temporaryFolder(), fakeAsker()];
  await runInto(benchmark, { data, out, asker, rows: [rows[0]!] });
  await runInto(benchmark, { data, out, asker, rows: [rows[1]!], selection: { limit: 4 } });
  const report = await makeReport(out, [benchmark as Benchmark]);
  expect(report.rows).toMatchObject([
    { name: 'low', samples: 10, selected: 10 },
    { name: 'high', samples: 4, selected: 4 },
  ]);
});

it('records what fails, leaves it out of the score, and asks it again when told to', async () => {
  const data = sumsFolder(30);
  const out = temporaryFolder();
  const flaky = fakeAsker(async (prompt) => {
    if (prompt.startsWith('3 ')) throw new LlavaError('ERR_ENCODE', 'no');
    return addUp(prompt);
  });
  const { errors } = await runInto(sums, { data, out, asker: flaky, concurrency: 2 });
  expect(errors).toBe(2);
  const failed = (await answersOf(out)).filter(({ error }) => error);
  expect(failed.map(({ id, error, answer }) => ({ id, error, answer }))).toEqual([
    { id: 's6', error: { code: 'ERR_ENCODE', message: 'no' }, answer: undefined },
    { id: 's7', error: { code: 'ERR_ENCODE', message: 'no' }, answer: undefined },
  ]);
  const report = await makeReport(out, [sums as Benchmark]);
  expect(report.rows[0]).toMatchObject({ samples: 28, selected: 30, errors: 2 });

  const again = fakeAsker();
  await runInto(sums, { data, out, asker: again });
  expect(again.asked).toEqual([]);
  await runInto(sums, { data, out, asker: again, retryErrors: true });
  expect(again.asked.sort()).toEqual(['3 + 0 = ?', '3 + 6 = ?']);
  const mended = await makeReport(out, [sums as Benchmark]);
  expect(mended.rows[0]).toMatchObject({ samples: 30, errors: 0 });
});

it('ends when everything fails, and at once for what no other question would change', async () => {
  const data = sumsFolder(100);
  const failing = fakeAsker(async () => {
    throw new LlavaError('ERR_VIDEO_DECODE', 'broken');
  });
  await expect(
    runInto(sums, { data, out: temporaryFolder(), asker: failing }),
  ).rejects.toMatchObject({
    code: 'ERR_VIDEO_DECODE',
    message: expect.stringContaining('The first 20 questions of sums all failed. broken'),
  });
  const dead = fakeAsker(async () => {
    throw new LlavaError('ERR_ENDPOINT', 'gone', { isFatal: true });
  });
  const out = temporaryFolder();
  await expect(runInto(sums, { data, out, asker: dead })).rejects.toMatchObject({
    code: 'ERR_ENDPOINT',
  });
  expect(await answersOf(out)).toEqual([]);
});

it('selects by category, at random but the same, and never half a unit', async () => {
  const data = sumsFolder(60);
  const ids = async (benchmark: typeof sums, selection: object) => {
    const out = temporaryFolder();
    await runInto(benchmark, { data, out, asker: fakeAsker(), selection });
    return (await answersOf(out, benchmark.name)).map(({ id }) => id);
  };
  expect(await ids(sums, { limit: 3 })).toEqual(['s0', 's1', 's2']);
  expect(await ids(sums, { subset: ['mid'], limit: 2 })).toEqual(['s1', 's4']);
  const random = await ids(sums, { limit: 8, shuffle: true, seed: 3 });
  expect(random).toHaveLength(8);
  expect(random).not.toEqual(await ids(sums, { limit: 8 }));
  expect(await ids(sums, { limit: 8, shuffle: true, seed: 3 })).toEqual(random);
  expect(await ids(sums, { limit: 8, shuffle: true, seed: 4 })).not.toEqual(random);
  expect(await ids(pairs, { limit: 3 })).toEqual(['s0', 's1', 's2', 's3']);
  const paired = await ids(pairs, { limit: 10, shuffle: true });
  for (const id of paired) expect(paired).toContain(`s${Number(id.slice(1)) ^ 1}`);
  await expect(ids(sums, { subset: ['none'] })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('parts or categories of sums (test, low, mid, high)'),
  });
});

it('makes equal ids unequal, and names columns that are missing', async () => {
  const data = sumsFolder(6);
  const out = temporaryFolder();
  const same = {
    ...sums,
    sample: (...place: Parameters<typeof sums.sample>) => ({ ...sums.sample(...place)!, id: 'x' }),
  };
  await runInto(same, { data, out, asker: fakeAsker(), selection: { limit: 3 } });
  expect((await answersOf(out)).map(({ id }) => id)).toEqual(['x', 'x#2', 'x#3']);
  writeFileSync(join(data, 'test.jsonl'), '{"a":1,"kind":"x"}\n');
  await expect(
    runInto(sums, { data, out: temporaryFolder(), asker: fakeAsker() }),
  ).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
    message:
      'Expected a number in column b of the dataset, but there is no such column, only a, kind',
  });
});

it('keeps memory flat over 10,000 samples with pictures', async () => {
  setFlagsFromString('--expose_gc');
  const gc = runInNewContext('gc') as () => void;
  const used = async () => {
    // Buffers are freed a moment after they are collected.
    for (let i = 0; i < 3; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 2 ** 20;
  };
  const data = temporaryFolder();
  for (let shard = 0; shard < 4; shard++) {
    const rows = Array.from({ length: 2500 }, (_, i) => ({
      image: { bytes: Buffer.alloc(20_000, i), path: null },
      ...{ a: shard * 2500 + i, b: i % 7, kind: 'low' },
    }));
    const columns = { image: 'image', a: 'int', b: 'int', kind: 'string' } as const;
    writeParquet(join(data, `test-0000${shard}-of-00004.parquet`), columns, rows, {
      rowGroup: 100,
    });
  }
  const marks: number[] = [];
  let nBytes = 0;
  let nAsked = 0;
  const asker = {
    ...{ identity: { kind: 'fake' }, label: 'fake' },
    async ask({ content }: { content: readonly object[] }) {
      nBytes += (content[0] as { image: Uint8Array }).image.length;
      nAsked++;
      if (nAsked === 1000 || nAsked === 10_000) marks.push(await used());
      return replyOf('1');
    },
  };
  await runInto(sums, { data, out: temporaryFolder(), asker, concurrency: 8 });
  expect(nBytes).toBe(10_000 * 20_000);
  const [early = 0, late = 0] = marks;
  // Verdicts are kept, a kilobyte each, and what was decoded last, up to 20 MB; pictures would be 180 MB.
  expect(late - early).toBeLessThan(60);
}, 120_000);
