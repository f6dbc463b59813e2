/** Runs benchmarks in tests: datasets in the hub's layout, answers by hand, no model. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect } from 'vitest';
import { type AnswerRecord, readAnswers } from '../../src/eval/answers.js';
import type { Asker } from '../../src/eval/asker.js';
import type { Benchmark } from '../../src/eval/benchmark.js';
import { makeReport, type Report, readTally } from '../../src/eval/report.js';
import { answersPath, openResults } from '../../src/eval/results.js';
import { runBenchmark as run } from '../../src/eval/run.js';
import type { Verdict } from '../../src/eval/scored.js';
import type { Rules } from '../../src/eval/scorers/rules.js';
import { keyOf, type Selection } from '../../src/eval/select.js';
import { makeSubmissions } from '../../src/eval/submissions.js';
import { promptText, renderPrompt } from '../../src/prompt/chatml.js';
import type { Part } from '../../src/prompt/messages.js';
import { type ColumnType, writeParquet } from './parquet.js';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(name = 'eval-'): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  made.push(folder);
  return folder;
}

/** An empty folder with the dataset's name. */
export function datasetFolder({ data }: Benchmark): string {
  const folder = join(temporaryFolder(), data.repos[0]!);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A PNG as Parquet holds it; another for each seed. */
export async function picture(seed = 0): Promise<{ bytes: Buffer; path: string }> {
  const background = { r: (seed * 67) % 256, g: (seed * 31 + 80) % 256, b: 120 };
  const canvas = sharp({ create: { width: 24, height: 16, channels: 3, background } });
  return { bytes: await canvas.png().toBuffer(), path: `${seed}.png` };
}

export interface Split {
  columns: Readonly<Record<string, ColumnType>>;
  rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows of a row group. */
  rowGroup?: number;
  shards?: number;
}

/** `data/test-00000-of-00001.parquet`, or below the folder of a config. */
export function writeSplit(
  folder: string,
  { config, split }: { config?: string; split: string },
  { columns, rows, rowGroup, shards = 1 }: Split,
): void {
  const place = join(folder, config ?? 'data');
  mkdirSync(place, { recursive: true });
  const size = Math.ceil(rows.length / shards);
  const number = (n: number) => String(n).padStart(5, '0');
  for (let i = 0; i < shards; i++) {
    const path = join(place, `${split}-${number(i)}-of-${number(shards)}.parquet`);
    const options = rowGroup === undefined ? {} : { rowGroup };
    writeParquet(path, columns, rows.slice(i * size, (i + 1) * size), options);
  }
}

export interface Asked {
  id: string;
  part: string;
  /** The user turn as the model sees it, `<image>` at each picture and clip. */
  prompt: string;
  /** How many. */
  images: number;
  /** Relative to the dataset's folder; the folder of a list of frames. */
  videos: string[];
  maxTokens: number;
}

export interface RunBenchmarkOptions extends Selection {
  data: string;
  answers:
    | Readonly<Record<string, string>>
    | ((sample: { id: string; part: string; prompt: string }) => string);
  rules?: Rules;
  /** Replies of a judge by `part/request id`. */
  replies?: Readonly<Record<string, string>>;
}

export interface Ran {
  asked: Asked[];
  /** By name of the card's rows. */
  score: Record<string, number | null>;
  figures: Record<string, number | null>;
  records: (AnswerRecord & { verdict: Verdict | null })[];
  report: Report;
  submissions: Record<string, string | Uint8Array>;
}

/** Asks everything, with the answers given here, and reports. */
export async function runBenchmark(
  benchmark: Benchmark,
  { data, answers, rules = 'v0.2.2', replies = {}, ...selection }: RunBenchmarkOptions,
): Promise<Ran> {
  const out = temporaryFolder();
  const contents: { content: Part[]; maxTokens: number; answer: string }[] = [];
  // The asker sees no ids: placeholders go out, and the records say in which order they came back.
  const asker: Asker = {
    identity: { kind: 'test' },
    label: 'test',
    async ask({ content, maxTokens }) {
      const answer = `placeholder ${contents.length}`;
      contents.push({ content, maxTokens, answer });
      const counts = { promptTokens: 1, visualTokens: 0, answerTokens: 1 };
      return { text: answer, finishReason: 'stop', ...counts };
    },
  };
  const manifest = await openResults(out, asker, rules);
  const signal = new AbortController().signal;
  await run(benchmark, { asker, data, out, manifest, selection, concurrency: 1, signal });
  const asked: Asked[] = [];
  await rewriteAnswers(answersPath(out, benchmark.name), (record) => {
    expect(record.error, `${keyOf(record)} failed`).toBeUndefined();
    const sent = contents.find(({ answer }) => answer === record.answer)!;
    asked.push(describeAsked(record, sent, data));
    const answer = typeof answers === 'function' ? answers(record) : answers[record.id];
    expect(answer, `an answer to ${keyOf(record)}`).toBeTypeOf('string');
    return answer!.trim();
  });
  return { asked, ...(await outcome(benchmark, out, { rules, replies })) };
}

async function rewriteAnswers(path: string, answerOf: (record: AnswerRecord) => string) {
  const { writeFileSync } = await import('node:fs');
  const records: AnswerRecord[] = [];
  for await (const record of readAnswers(path)) records.push(record);
  const lines = records.map((record) => JSON.stringify({ ...record, answer: answerOf(record) }));
  writeFileSync(path, `${lines.join('\n')}\n`);
}

function describeAsked(
  { id, part }: AnswerRecord,
  { content, maxTokens }: { content: Part[]; maxTokens: number },
  data: string,
): Asked {
  const videos = content.flatMap((item) => {
    if (item.type !== 'video') return [];
    const path = Array.isArray(item.video) ? dirname(item.video[0]) : String(item.video);
    return [relative(data, path)];
  });
  const images = content.filter(({ type }) => type === 'image').length;
  return { id, part, prompt: userTurn(content), images, videos, maxTokens };
}

/** Of the rendered prompt, what stands between the user's role and its end. */
function userTurn(content: Part[]): string {
  const prompt = promptText(renderPrompt([{ role: 'user', content }], 'llava-next'));
  const head = '<|im_start|>user\n';
  return prompt.slice(
    prompt.indexOf(head) + head.length,
    prompt.lastIndexOf('<|im_end|>\n<|im_start|>assistant\n'),
  );
}

async function outcome(
  benchmark: Benchmark,
  out: string,
  { rules, replies }: { rules: Rules; replies: Readonly<Record<string, string>> },
): Promise<Omit<Ran, 'asked'>> {
  const { writeFileSync } = await import('node:fs');
  const lines = Object.entries(replies).map(([key, reply]) => {
    const at = key.indexOf('/');
    return JSON.stringify({ part: key.slice(0, at), id: key.slice(at + 1), reply });
  });
  if (lines.length > 0)
    writeFileSync(join(out, benchmark.name, 'judge-replies.jsonl'), `${lines.join('\n')}\n`);
  const report = await makeReport(out, [benchmark]);
  const tally = await readTally(out, benchmark, { rules });
  const records: Ran['records'] = [];
  for await (const record of readAnswers(answersPath(out, benchmark.name)))
    records.push({ ...record, verdict: tally.entries.get(keyOf(record))?.scored ?? null });
  const files = await makeSubmissions(out, benchmark, { rules });
  return {
    score: Object.fromEntries(report.rows.map(({ name, score }) => [name, score])),
    figures: Object.fromEntries(report.figures.map(({ name, score }) => [name, score])),
    records,
    report,
    submissions: Object.fromEntries(files.map(({ name, content }) => [basename(name), content])),
  };
}
