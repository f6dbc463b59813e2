/**
 * Asks a benchmark's samples, several at a time, and appends every answer as it comes. What the folder has already is not
 * asked again. A question that fails is recorded with its error and counted; what would fail all of them ends the run.
 */
import { forEachAtOnce } from '../at-once.js';
import { failsOne } from '../batch/failure.js';
import { LlavaError } from '../errors.js';
import { AppendLog } from '../files/append-log.js';
import { type AnswerRecord, readAnswers } from './answers.js';
import type { Asker, Reply } from './asker.js';
import type { Benchmark, CardRow, Sample } from './benchmark.js';
import { dataError } from './data/data-error.js';
import { findImages, findVideo, type MediaFolders, presentImages } from './data/media.js';
import { type OpenPart, openData } from './data/open-data.js';
import { type QuestionMedia, questionContent } from './question.js';
import { answersPath, type Manifest, resultsError, writeManifest } from './results.js';
import { strip } from './scorers/python-text.js';
import { hashPrompt, keyOf, type Selected, type Selection, selectSamples } from './select.js';
import { Tally, unitsOf } from './tally.js';

export interface RunOptions {
  asker: Asker;
  /** Folder of the dataset, or of several. */
  data: string;
  /** Another folder that clips and pictures may lie in. */
  media?: string;
  out: string;
  manifest: Manifest;
  selection: Selection;
  /** Only the samples of these rows of the card. */
  rows?: readonly CardRow[];
  /** Questions under way at a time, 1 or more. */
  concurrency: number;
  /** Asks again what failed before. */
  retryErrors?: boolean;
  signal: AbortSignal;
  onProgress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  /** Samples of the selection answered or failed, in this run or before. */
  done: number;
  total: number;
  /** Answered or failed in this run. */
  asked: number;
  errors: number;
  /** The score of the first row of the card, over what is scored so far. */
  score(): number | null;
}

/** Ends a run in which nothing has succeeded: then it is not the sample. */
const MAX_FIRST_FAILURES = 20;

/** @returns the last progress @throws ERR_EVAL_DATA, ERR_EVAL_RESULTS, ERR_WRITE, ERR_INVALID_ARGUMENT, fatal errors of the asker, signal.reason */
export async function runBenchmark(
  benchmark: Benchmark,
  options: RunOptions,
): Promise<RunProgress> {
  const { data, media, out, manifest, selection, rows, signal } = options;
  await using parts = await openData(benchmark, { data, media, subset: selection.subset });
  const { rules } = manifest;
  const selected = await selectSamples(benchmark, parts.list, {
    rules,
    selection,
    ...(rows && { rows }),
  });
  if (selected.length === 0)
    throw dataError(data, `nothing in it is a sample of ${benchmark.name} as selected`);
  noteSelection(benchmark, options, selected);
  await writeManifest(out, manifest);
  const run = new Run(benchmark, options, parts.list);
  await run.resume(selected);
  signal.throwIfAborted();
  await run.askAll();
  return run.progress();
}

function noteSelection(
  { name, rows: all }: Benchmark,
  { manifest, selection, rows = all }: RunOptions,
  samples: readonly Selected[],
): void {
  const count = (row: CardRow) => samples.filter((sample) => row.of?.(sample) ?? true).length;
  const counts = Object.fromEntries(rows.map((row) => [row.name, count(row)]));
  const selected = { ...manifest.benchmarks[name]?.selected, ...counts };
  manifest.benchmarks[name] = { selection, selected };
}

class Run {
  readonly #benchmark: Benchmark;
  readonly #options: RunOptions;
  readonly #parts: ReadonlyMap<string, OpenPart>;
  readonly #tally: Tally;
  readonly #queue: Selected[] = [];
  readonly #started = Date.now();
  #total = 0;
  #done = 0;
  #asked = 0;
  #answered = 0;
  #errors = 0;

  constructor(benchmark: Benchmark, options: RunOptions, parts: readonly OpenPart[]) {
    this.#benchmark = benchmark;
    this.#options = options;
    this.#parts = new Map(parts.map((open) => [open.part.name, open]));
    this.#tally = new Tally(benchmark, options.manifest.rules);
  }

  /** Finds what is left to ask. @throws ERR_EVAL_RESULTS when the folder has other questions under the same ids */
  async resume(selected: readonly Selected[]): Promise<void> {
    const wanted = new Map(selected.map((sample) => [keyOf(sample), sample]));
    const path = answersPath(this.#options.out, this.#benchmark.name);
    const failed = new Set<string>();
    for await (const record of readAnswers(path)) {
      const key = keyOf(record);
      const sample = wanted.get(key);
      if (!sample) continue;
      if (record.promptHash !== sample.promptHash)
        throw resultsError(path, `it has another question as ${key}; was the data changed?`);
      this.#tally.add(record);
      if (record.error) failed.add(key);
      else failed.delete(key);
    }
    for (const sample of selected) {
      const isDone = this.#tally.entries.has(keyOf(sample));
      const isRetried = this.#options.retryErrors === true && failed.has(keyOf(sample));
      if (!isDone || isRetried) this.#queue.push(sample);
    }
    this.#total = selected.length;
    this.#done = this.#total - this.#queue.length;
    this.#errors = this.#options.retryErrors ? 0 : failed.size;
  }

  async askAll(): Promise<void> {
    const { out, signal, concurrency } = this.#options;
    this.#options.onProgress?.(this.progress());
    if (this.#queue.length === 0) return;
    const log = await AppendLog.open(answersPath(out, this.#benchmark.name));
    try {
      await forEachAtOnce(this.#queue, { limit: concurrency, signal }, (next, either) =>
        this.#askOne(next, log, either),
      );
    } finally {
      await log.close();
    }
  }

  progress(): RunProgress {
    const [row] = this.#options.rows ?? this.#benchmark.rows;
    return {
      done: this.#done,
      total: this.#total,
      asked: this.#asked,
      errors: this.#errors,
      score: () => {
        const units = row ? unitsOf(row, this.#tally.entries.values()) : [];
        return units.length > 0 ? row!.value(units) : null;
      },
    };
  }

  async #askOne(selected: Selected, log: AppendLog, signal: AbortSignal): Promise<void> {
    const started = performance.now();
    const sample = await this.#read(selected);
    const outcome = await this.#reply(selected, sample, signal);
    const record: AnswerRecord = {
      ...selected,
      prompt: sample.prompt,
      ...(sample.gold !== undefined && { gold: sample.gold }),
      images: presentImages(sample.images).length,
      ...(sample.video !== undefined && { video: [sample.video].flat()[0]! }),
      ...outcome,
      ms: Math.round(performance.now() - started),
      run: this.#started,
      at: Date.now(),
    };
    await log.append(`${JSON.stringify(record)}\n`);
    this.#tally.add(record);
    this.#count(record);
  }

  async #read({ part, index, id, promptHash }: Selected): Promise<Sample> {
    const row = await this.#parts.get(part)!.table.row(index);
    const { rules } = this.#options.manifest;
    const sample = this.#benchmark.sample(row, { part, rules, index });
    if (sample && hashPrompt(sample) === promptHash) return sample;
    throw new LlavaError(
      'ERR_EVAL_DATA',
      `Row ${index} of ${this.#benchmark.name}/${part} (${id}) changed while it was read; do pictures decide its prompt?`,
    );
  }

  async #reply(
    { part }: Selected,
    sample: Sample,
    signal: AbortSignal,
  ): Promise<Pick<AnswerRecord, 'error'> | (Omit<Reply, 'text'> & { answer: string })> {
    try {
      const { folders } = this.#parts.get(part)!;
      const content = questionContent(sample.prompt, await findMedia(sample, folders));
      const maxTokens = sample.maxTokens ?? this.#benchmark.maxTokens;
      const { multiImage = 'pad-no-newline' } = this.#benchmark;
      const question = { content, maxTokens, multiImage };
      const { text, ...rest } = await this.#options.asker.ask(question, signal);
      return { answer: strip(text), ...rest };
    } catch (error) {
      signal.throwIfAborted();
      if (!failsOne(error)) throw error;
      return { error: { code: error.code, message: error.message } };
    }
  }

  #count({ error }: AnswerRecord): void {
    this.#done++;
    this.#asked++;
    if (error) this.#errors++;
    else this.#answered++;
    this.#options.onProgress?.(this.progress());
    if (error && this.#answered === 0 && this.#asked >= MAX_FIRST_FAILURES)
      throw new LlavaError(
        error.code as LlavaError['code'],
        `The first ${this.#asked} questions of ${this.#benchmark.name} all failed. ${error.message}`,
      );
  }
}

async function findMedia(sample: Sample, folders: MediaFolders): Promise<QuestionMedia> {
  const { images, video, frames } = sample;
  return {
    images: await findImages(presentImages(images), folders),
    frames: await findImages(presentImages([frames]), folders),
    ...(video !== undefined && { video: await findVideo([video].flat(), folders) }),
  };
}
