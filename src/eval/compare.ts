/** Two folders of results, sample by sample: the difference over what both have scored, and the answers that changed. */
import { readAnswers } from './answers.js';
import type { Benchmark, CardRow } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { groupBy, type Unit } from './figures.js';
import { readTally } from './report.js';
import { answersPath, readManifest, resultsError } from './results.js';
import { keyOf, unitKey } from './select.js';
import { differenceInterval, type Interval } from './statistics.js';
import { type Tally, unitsOf } from './tally.js';

export interface Comparison {
  /** Labels of the two. */
  a: string;
  b: string;
  rows: ComparedRow[];
}

export interface ComparedRow {
  name: string;
  title: string;
  digits: number;
  /** Over the samples that both have scored, in the card's unit; null when there are none. */
  a: number | null;
  b: number | null;
  /** b - a, and its 95 % interval from the pairs. */
  difference: number | null;
  interval: Interval | null;
  samples: number;
  /** Samples whose score rose or fell from a to b. */
  better: number;
  worse: number;
  /** Answered with other words; the score may be the same. */
  changedAnswers: number;
  /** Left out, for the two were asked different questions under the same id. */
  otherQuestions: number;
  changes: ChangedSample[];
}

export interface ChangedSample {
  part: string;
  id: string;
  prompt: string;
  gold: unknown;
  answers: [a: string, b: string];
  scores: [a: number | null, b: number | null];
}

/** @throws ERR_EVAL_RESULTS, also when nothing can be compared */
export async function compareResults(
  dirs: readonly [a: string, b: string],
  known: readonly Benchmark[] = benchmarks,
): Promise<Comparison> {
  const [a, b] = [await readManifest(dirs[0]), await readManifest(dirs[1])];
  if (a.rules !== b.rules)
    throw resultsError(dirs[1], `rules ${b.rules} there, ${a.rules} in ${dirs[0]}`);
  const rows: ComparedRow[] = [];
  for (const benchmark of known) {
    if (!a.benchmarks[benchmark.name] || !b.benchmarks[benchmark.name]) continue;
    const pair: Pair = {
      a: await readTally(dirs[0], benchmark, a),
      b: await readTally(dirs[1], benchmark, b),
    };
    const changes = await changedSamples(dirs, benchmark, pair);
    for (const row of benchmark.rows) rows.push(compareRow(row, pair, changes));
  }
  if (rows.length === 0)
    throw resultsError(dirs[1], `it has no benchmark in common with ${dirs[0]}`);
  return { a: a.label, b: b.label, rows };
}

interface Pair {
  a: Tally;
  b: Tally;
}

function compareRow(row: CardRow, { a, b }: Pair, all: readonly OwnChange[]): ComparedRow {
  const sameQuestion = (key: string) =>
    a.entries.get(key)?.promptHash === b.entries.get(key)?.promptHash;
  const units = (tally: Tally) =>
    new Map(unitsOf(row, tally.entries.values()).map((unit) => [unitKey(unit[0]!), unit]));
  const others = units(b);
  const pairs = [...units(a)].flatMap(([key, unit]) => {
    const other = others.get(key);
    return other?.length === unit.length && unit.every((sample) => sameQuestion(keyOf(sample)))
      ? [{ a: unit, b: inOrderOf(unit, other) }]
      : [];
  });
  const value = (side: 'a' | 'b') =>
    pairs.length > 0 ? row.value(pairs.map((pair) => pair[side])) : null;
  const [scoreA, scoreB] = [value('a'), value('b')];
  const shared = [...a.entries.keys()].filter((key) => b.entries.has(key));
  const own = all.filter((change) => row.of?.(change.entry) ?? true);
  return {
    name: row.name,
    title: row.title,
    digits: row.digits ?? 1,
    a: scoreA,
    b: scoreB,
    difference: scoreA === null || scoreB === null ? null : scoreB - scoreA,
    interval: differenceInterval(row, pairs),
    samples: pairs.reduce((sum, pair) => sum + pair.a.length, 0),
    ...countRises(pairs),
    changedAnswers: own.filter(({ change }) => change.answers[0] !== change.answers[1]).length,
    otherQuestions: shared.filter((key) => !sameQuestion(key)).length,
    changes: own.map(({ change }) => change),
  };
}

function inOrderOf(unit: Unit, other: Unit): Unit {
  const byKey = groupBy(other, keyOf);
  return unit.flatMap((sample) => byKey.get(keyOf(sample)) ?? []);
}

function countRises(pairs: readonly { a: Unit; b: Unit }[]): { better: number; worse: number } {
  const steps = pairs.flatMap(({ a, b }) => a.map(({ score }, i) => b[i]!.score - score));
  return {
    better: steps.filter((step) => step > 0).length,
    worse: steps.filter((step) => step < 0).length,
  };
}

interface OwnChange {
  entry: { part: string; category?: string };
  change: ChangedSample;
}

/** Samples with another answer or another score; texts are read again, and kept only of these. */
async function changedSamples(
  [dirA, dirB]: readonly [string, string],
  { name }: Benchmark,
  { a, b }: Pair,
): Promise<OwnChange[]> {
  const answers = new Map<string, string>();
  for await (const { answer, ...sample } of readAnswers(answersPath(dirA, name)))
    if (answer !== undefined) answers.set(keyOf(sample), answer);
  const changes = new Map<string, OwnChange>();
  for await (const record of readAnswers(answersPath(dirB, name))) {
    const key = keyOf(record);
    const [entry, other] = [a.entries.get(key), b.entries.get(key)];
    const before = answers.get(key);
    changes.delete(key);
    if (before === undefined || record.answer === undefined || !entry || !other) continue;
    if (entry.promptHash !== record.promptHash) continue;
    const scores: ChangedSample['scores'] = [
      entry.scored?.score ?? null,
      other.scored?.score ?? null,
    ];
    if (before === record.answer && scores[0] === scores[1]) continue;
    const { part, id, prompt, gold } = record;
    const texts: ChangedSample['answers'] = [before, record.answer];
    changes.set(key, { entry, change: { part, id, prompt, gold, answers: texts, scores } });
  }
  return [...changes.values()];
}
