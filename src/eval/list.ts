/** Every row of the model card: what it is, what it wants, what the card says. */
import type { Benchmark } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { wantedTables } from './data/dataset.js';

export interface ListedRow {
  /** For `eval run`. */
  name: string;
  /** As on the card. */
  title: string;
  /** Whose run gives it; several rows may share one. */
  benchmark: string;
  family: string;
  /** About; the card does not say. */
  samples: number;
  /** The judge that the card's week used; null: scored without one. */
  judge: string | null;
  /** Null: not on the card. */
  card: number | null;
  /** What is wanted below the dataset's folder. */
  files: string[];
  /** The dataset's names on the hub. */
  datasets: string[];
  /** For `--subset`; those in brackets only when named. */
  parts: string[];
  note?: string;
}

/** @param options.all with benchmarks that are not on the card */
export function listRows({ all = false }: { all?: boolean } = {}): ListedRow[] {
  return benchmarks.flatMap((benchmark) =>
    benchmark.rows.filter(({ card }) => all || card !== null).map((row) => list(benchmark, row)),
  );
}

function list(
  { name: benchmark, family, data, judge, note }: Benchmark,
  { name, title, samples, card }: Benchmark['rows'][number],
): ListedRow {
  const notes = [data.note, note].filter((text) => text !== undefined);
  return {
    name,
    title,
    benchmark,
    family,
    samples,
    card,
    judge: judge?.isRequired ? judge.model['v0.2.2'] : null,
    files: [...new Set([...data.parts.map(wantedTables), ...(data.files ?? [])])],
    datasets: [...data.repos],
    parts: data.parts.map(({ name: part, isOptional }) => (isOptional ? `(${part})` : part)),
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}
