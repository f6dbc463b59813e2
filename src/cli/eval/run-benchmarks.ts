/** `eval run`: asks, goes on where an earlier run stopped, and reports. */
import type { Command } from 'commander';
import { openData } from '../../eval/data/open-data.js';
import { isBenchmark, type NamedBenchmark, namedBenchmarks } from '../../eval/named-benchmarks.js';
import { lockResults, openResults } from '../../eval/results.js';
import { type RunOptions, runBenchmark } from '../../eval/run.js';
import type { Rules } from '../../eval/scorers/rules.js';
import { Interrupted } from '../shared/interrupt.js';
import { type AskerFlags, askerSource, NO_ASKER } from './asker.js';
import { printReport } from './print-report.js';
import { createEvalProgress } from './progress.js';

export interface EvalRunFlags extends AskerFlags {
  data: string;
  media?: string;
  out: string;
  rules: Rules;
  limit?: number;
  shuffle?: true;
  seed?: number;
  subset?: string[];
  retryErrors?: true;
  json?: true;
}

interface Doing {
  command: Command;
  signal: AbortSignal;
}

/** @throws what the library and eval/ throw, and the signal's reason */
export async function runEval(words: string[], given: EvalRunFlags, doing: Doing): Promise<void> {
  const { names, flags } = takeAsker(words, given, doing.command);
  const named = namesOf(names, doing.command);
  if (flags.subset && named.length > 1)
    doing.command.error('error: --subset goes with one benchmark at a time');
  const unlock = await lockResults(flags.out);
  try {
    await askAll(named, flags, doing).catch((error) => {
      if (error instanceof Interrupted)
        process.stderr.write('Interrupted: the same command goes on from here.\n');
      throw error;
    });
    await printReport(flags.out, flags.json ? { json: true } : {}, doing.signal);
  } finally {
    await unlock();
  }
}

/** The first word is the model, where no flag says who answers. */
function takeAsker(words: string[], flags: EvalRunFlags, command: Command) {
  if (flags.model !== undefined || flags.endpoint !== undefined) return { names: words, flags };
  const [model, ...names] = words;
  if (model === undefined || isBenchmark(model)) return command.error(`error: ${NO_ASKER}`);
  if (names.length === 0) command.error('error: missing the benchmarks; eval list shows them');
  return { names, flags: { ...flags, model } };
}

function namesOf(names: string[], command: Command): NamedBenchmark[] {
  try {
    return namedBenchmarks(names);
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`);
  }
}

async function askAll(
  named: readonly NamedBenchmark[],
  flags: EvalRunFlags,
  { command, signal }: Doing,
): Promise<void> {
  const { data, media, out, subset, limit, shuffle, seed } = flags;
  // Everything that may be wrong first: loading a model takes a while.
  const source = await askerSource(flags, command, signal);
  for (const { benchmark } of named) await (await openData(benchmark, { data, subset })).close();
  const manifest = await openResults(out, source, flags.rules);
  await using opened = await source.open(signal);
  const selection = {
    ...(subset && { subset }),
    ...(limit !== undefined && { limit }),
    ...(shuffle && { shuffle, seed: seed ?? 0 }),
  };
  for (const { benchmark, rows } of named)
    await askOne(benchmark, {
      asker: opened.asker,
      data,
      out,
      manifest,
      selection,
      signal,
      concurrency: flags.concurrency,
      retryErrors: flags.retryErrors === true,
      ...(media !== undefined && { media }),
      ...(rows && { rows }),
    });
}

async function askOne(benchmark: NamedBenchmark['benchmark'], options: RunOptions): Promise<void> {
  const progress = createEvalProgress(benchmark.name);
  try {
    await runBenchmark(benchmark, { ...options, onProgress: progress.update });
  } finally {
    progress.stop();
  }
}
