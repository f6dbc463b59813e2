/** Which samples of a benchmark are asked. Questions are counted without their pictures, so that this costs little. */
import { createHash } from 'node:crypto';
import { invalidArgument } from '../errors.js';
import type { Benchmark, CardRow, DataPart, Sample } from './benchmark.js';
import type { Row } from './data/columns.js';
import { groupBy } from './figures.js';
import { randomNumbers } from './random.js';
import type { Rules } from './scorers/rules.js';

export interface Selection {
  /** Names of parts and categories. Default: the parts that are not optional, all categories. */
  subset?: readonly string[];
  /** At least this many samples: units are not split. Default: all. */
  limit?: number;
  /** Chooses the `limit` samples at random instead of taking the first. */
  shuffle?: boolean;
  /** Seed of the shuffle. Default 0. */
  seed?: number;
}

/** A sample that will be asked, and all that is kept of it until then. */
export interface Selected {
  part: string;
  /** Row of the part. */
  index: number;
  id: string;
  unit: string;
  /** Samples of its unit. */
  unitSize: number;
  category?: string;
  promptHash: string;
}

export interface PartRows {
  part: DataPart;
  /** Without the media columns. */
  scan(): AsyncIterable<Row>;
}

/** The parts that a subset asks for. @throws ERR_INVALID_ARGUMENT for a benchmark's only other parts */
export function selectParts({ data }: Benchmark, subset: Selection['subset']): DataPart[] {
  const named = data.parts.filter(({ name }) => subset?.includes(name));
  if (named.length > 0) return named;
  return subset?.includes('all') ? [...data.parts] : data.parts.filter((part) => !part.isOptional);
}

/**
 * In the order of the data, shuffled or not: files are read once, from front to back.
 * @param options.rows only samples of these rows of the card; default: all
 * @throws ERR_INVALID_ARGUMENT for a subset that nothing belongs to, ERR_EVAL_DATA
 */
export async function selectSamples(
  benchmark: Benchmark,
  parts: readonly PartRows[],
  options: { rules: Rules; selection: Selection; rows?: readonly CardRow[] },
): Promise<Selected[]> {
  const { rules, selection, rows } = options;
  const all: Selected[] = [];
  for (const { part, scan } of parts) {
    const ids = new Map<string, number>();
    let index = 0;
    for await (const row of scan()) {
      const sample = benchmark.sample(row, { part: part.name, rules, index });
      if (sample) all.push(select(sample, { part: part.name, index, ids }));
      index++;
    }
  }
  const wanted = all.filter((sample) => !rows || rows.some((row) => row.of?.(sample) ?? true));
  return limited(ofCategories(wanted, benchmark, selection.subset), selection);
}

/** What of a sample decides its answer, pictures aside. */
export function hashPrompt({ prompt, gold }: Pick<Sample, 'prompt' | 'gold'>): string {
  const text = JSON.stringify([prompt, gold]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Names a sample as no other of its part is named. */
export function uniqueId(id: string, ids: Map<string, number>): string {
  const count = (ids.get(id) ?? 0) + 1;
  ids.set(id, count);
  return count === 1 ? id : `${id}#${count}`;
}

export function keyOf({ part, id }: { part: string; id: string }): string {
  return `${part}/${id}`;
}

function select(
  sample: Sample,
  { part, index, ids }: { part: string; index: number; ids: Map<string, number> },
): Selected {
  const id = uniqueId(sample.id, ids);
  const unit = sample.unit ?? id;
  const { category } = sample;
  const promptHash = hashPrompt(sample);
  return {
    part,
    index,
    id,
    unit,
    unitSize: 1,
    ...(category !== undefined && { category }),
    promptHash,
  };
}

function ofCategories(
  samples: Selected[],
  { name, data }: Benchmark,
  subset: Selection['subset'],
): Selected[] {
  const isPart = (word: string) => word === 'all' || data.parts.some((part) => part.name === word);
  const wanted = subset?.filter((word) => !isPart(word)) ?? [];
  if (wanted.length === 0) return samples;
  const categories = [...new Set(samples.map(({ category }) => category ?? ''))].filter(Boolean);
  for (const word of wanted)
    if (!categories.includes(word)) {
      const known = [...data.parts.map((part) => part.name), ...categories];
      throw invalidArgument('subset', `parts or categories of ${name} (${known.join(', ')})`, word);
    }
  return samples.filter(({ category }) => category !== undefined && wanted.includes(category));
}

function limited(samples: Selected[], { limit, shuffle, seed = 0 }: Selection): Selected[] {
  const units = [...groupBy(samples, unitKey).values()];
  for (const unit of units) for (const sample of unit) sample.unitSize = unit.length;
  if (limit === undefined) return samples;
  if (shuffle) shuffleInPlace(units, randomNumbers(seed));
  const chosen = new Set<Selected>();
  for (const unit of units) {
    if (chosen.size >= limit) break;
    for (const sample of unit) chosen.add(sample);
  }
  return samples.filter((sample) => chosen.has(sample));
}

/** Units do not reach across parts. */
export function unitKey({ part, unit }: { part: string; unit: string }): string {
  return `${part}/${unit}`;
}

function shuffleInPlace<T>(items: T[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [items[i], items[other]] = [items[other]!, items[i]!];
  }
}
