/** Names of the command line: of a benchmark, or of one of its rows of the card. */
import { invalidArgument } from '../errors.js';
import type { Benchmark, CardRow } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';

export interface NamedBenchmark {
  benchmark: Benchmark;
  /** Only samples of these; absent: all. */
  rows?: CardRow[];
}

/** Each benchmark once, in the order of its first name. @throws ERR_INVALID_ARGUMENT */
export function namedBenchmarks(
  names: readonly string[],
  known: readonly Benchmark[] = benchmarks,
): NamedBenchmark[] {
  const found = new Map<Benchmark, CardRow[] | 'all'>();
  for (const name of names) {
    const benchmark = known.find(
      (each) => each.name === name || each.rows.some((row) => row.name === name),
    );
    if (!benchmark)
      throw invalidArgument('name', `one of ${known.flatMap(namesOf).join(', ')}`, name);
    const row = benchmark.name === name ? undefined : benchmark.rows.find((r) => r.name === name);
    const earlier = found.get(benchmark) ?? [];
    found.set(benchmark, row && earlier !== 'all' ? [...earlier, row] : 'all');
  }
  return [...found].map(([benchmark, rows]) =>
    rows === 'all' ? { benchmark } : { benchmark, rows },
  );
}

/** Whether a word is one of the names. */
export function isBenchmark(word: string): boolean {
  return benchmarks.some((benchmark) => namesOf(benchmark).includes(word));
}

/** As `eval list` shows them. */
function namesOf({ name, rows }: Benchmark): string[] {
  return [...new Set([name, ...rows.map((row) => row.name)])];
}
