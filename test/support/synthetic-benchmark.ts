/** A benchmark and data made up for tests of the machinery: sums, in three categories, in pairs if asked for. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Asker, Reply } from '../../src/eval/asker.js';
import type { Benchmark } from '../../src/eval/benchmark.js';
import { numberColumn, textColumn } from '../../src/eval/data/columns.js';
import { mean } from '../../src/eval/figures.js';
import { openResults } from '../../src/eval/results.js';
import { type RunOptions, runBenchmark } from '../../src/eval/run.js';
import type { Part } from '../../src/prompt/messages.js';
import { temporaryFolder } from './eval.js';

export const sums: Benchmark<number> = {
  name: 'sums',
  family: 'demo',
  rows: [{ name: 'sums', title: 'Sums', card: 50, samples: 100, ...mean() }],
  data: {
    repos: ['test/sums'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: ['image'],
  },
  maxTokens: 8,
  sample: (row, { index }) => ({
    id: `s${index}`,
    category: textColumn(row, 'kind'),
    prompt: `${numberColumn(row, 'a')} + ${numberColumn(row, 'b')} = ?`,
    images: [row.image],
    gold: numberColumn(row, 'a') + numberColumn(row, 'b'),
  }),
  score: ({ answer, gold }) => ({ score: Number(answer === String(gold)) }),
};

/** Two rows with the same `a` belong together. */
export const pairs: Benchmark<number> = {
  ...sums,
  name: 'pairs',
  sample: (row, place) => ({
    ...sums.sample(row, place)!,
    unit: String(numberColumn(row, 'a')),
  }),
};

export function sumsFolder(count: number): string {
  const folder = temporaryFolder();
  const lines = Array.from({ length: count }, (_, i) => {
    const row = { a: i >> 1, b: i % 7, kind: ['low', 'mid', 'high'][i % 3] };
    return `${JSON.stringify(row)}\n`;
  });
  writeFileSync(join(folder, 'test.jsonl'), lines.join(''));
  return folder;
}

export interface FakeAsker extends Asker {
  /** Prompts, in the order in which they were asked. */
  readonly asked: string[];
}

/** Adds up, but takes every fifth sum for one more; each question takes a little while. */
export function fakeAsker(answer = addUp): FakeAsker {
  const asked: string[] = [];
  return {
    asked,
    identity: { kind: 'fake' },
    label: 'fake',
    async ask({ content }, signal) {
      const prompt = textOf(content);
      asked.push(prompt);
      await new Promise((resolve) => setTimeout(resolve, asked.length % 3));
      signal.throwIfAborted();
      return replyOf(await answer(prompt));
    },
  };
}

export async function addUp(prompt: string): Promise<string> {
  const [a = 0, b = 0] = (prompt.match(/\d+/g) ?? []).map(Number);
  return `${a + b + ((a * 7 + b) % 5 === 0 ? 1 : 0)} \n`;
}

export function replyOf(text: string): Reply {
  return { text, finishReason: 'stop', promptTokens: 7, visualTokens: 0, answerTokens: 2 };
}

export function textOf(content: readonly Part[]): string {
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

type Given = Partial<RunOptions> & { data: string; out: string; asker: Asker };

/** With the manifest of the folder. */
export async function runInto(benchmark: Benchmark<number>, options: Given) {
  const manifest = await openResults(options.out, options.asker, 'v0.2.2');
  const signal = new AbortController().signal;
  const rest = { manifest, selection: {}, concurrency: 1, signal, ...options };
  return runBenchmark(benchmark as Benchmark, rest);
}
