/** What a folder of results says: each row of the card with its interval, the card's value and the difference, and what it took. */
import { join } from 'node:path';
import { readAnswers } from './answers.js';
import type { Benchmark, CardRow } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import type { Figure } from './figures.js';
import { groupBy, type Unit } from './figures.js';
import { readReplies } from './judge/files.js';
import { answersPath, type Manifest, readManifest } from './results.js';
import type { Selection } from './select.js';
import { type Interval, intervalOf } from './statistics.js';
import { type Entry, Tally, unitsOf } from './tally.js';

export interface Report {
  /** Version of this package when the folder was made. */
  version: string;
  engine: Manifest['engine'];
  label: string;
  rules: Manifest['rules'];
  rows: ReportRow[];
  figures: ReportFigure[];
}

export interface ReportFigure {
  benchmark: string;
  name: string;
  /** In the card's unit; null: nothing was scored, and `note` says why. */
  score: number | null;
  /** 95 %; null for fewer than two units. */
  interval: Interval | null;
  /** Scored, in whole units. */
  samples: number;
}

export interface ReportRow extends ReportFigure {
  title: string;
  /** Null: not on the card. */
  card: number | null;
  /** score - card */
  difference: number | null;
  digits: number;
  /** Selected by the last run; with `samples` unequal the score is of a part. */
  selected: number;
  /** Asked without an answer. */
  errors: number;
  /** Answered but not scored, by reason. */
  unscored: Record<string, number>;
  /** Scored by a draw, for the rule found nothing to read. */
  random: number;
  promptTokens: number;
  answerTokens: number;
  /** Wall time of asking; rows of one benchmark share it. */
  seconds: number;
  note?: string;
  categories: Record<string, { score: number; samples: number }>;
  selection: Selection;
}

/** @throws ERR_EVAL_RESULTS */
export async function makeReport(
  dir: string,
  known: readonly Benchmark[] = benchmarks,
): Promise<Report> {
  const manifest = await readManifest(dir);
  const report: Report = {
    version: manifest.version,
    engine: manifest.engine,
    label: manifest.label,
    rules: manifest.rules,
    rows: [],
    figures: [],
  };
  for (const benchmark of known) {
    const selected = manifest.benchmarks[benchmark.name];
    if (!selected) continue;
    const tally = await readTally(dir, benchmark, manifest);
    const entries = [...tally.entries.values()];
    const judges = judgeNote(tally, manifest.rules);
    const source = { benchmark, entries, selected, judges };
    for (const row of askedRows(benchmark, entries)) report.rows.push(reportRow(row, source));
    for (const figure of benchmark.figures ?? [])
      report.figures.push(reportFigure(figure, benchmark, unitsOf(figure, entries)));
  }
  return report;
}

/** The verdicts on what a folder holds of a benchmark. @throws ERR_EVAL_RESULTS */
export async function readTally(
  dir: string,
  benchmark: Benchmark,
  { rules }: Pick<Manifest, 'rules'>,
): Promise<Tally> {
  const { replies, models } = await readReplies(join(dir, benchmark.name));
  const tally = new Tally(benchmark, rules, { replies, models });
  for await (const record of readAnswers(answersPath(dir, benchmark.name))) tally.add(record);
  return tally;
}

/** All rows where none was asked: a run of hidden answers has no score, and says so. */
function askedRows({ rows }: Benchmark, entries: readonly Entry[]): readonly CardRow[] {
  const asked = rows.filter((row) => entries.some((entry) => row.of?.(entry) ?? true));
  return asked.length > 0 ? asked : rows;
}

function reportFigure(figure: Figure, { name }: Benchmark, units: readonly Unit[]): ReportFigure {
  const hasUnits = units.length > 0;
  return {
    benchmark: name,
    name: figure.name,
    score: hasUnits ? figure.value(units) : null,
    interval: intervalOf(figure, units),
    samples: units.flat().length,
  };
}

interface RowSource {
  benchmark: Benchmark;
  entries: readonly Entry[];
  selected: Manifest['benchmarks'][string];
  judges: string | undefined;
}

function reportRow(row: CardRow, { benchmark, entries, selected, judges }: RowSource): ReportRow {
  const own = entries.filter((entry) => row.of?.(entry) ?? true);
  const units = unitsOf(row, own);
  const figure = reportFigure(row, benchmark, units);
  const sum = (of: (entry: Entry) => number) => own.reduce((total, entry) => total + of(entry), 0);
  const unscored = unscoredOf(own, figure.samples);
  const notes = [noteOfNothing(figure, unscored), judges, benchmark.note].filter(Boolean);
  return {
    ...figure,
    title: row.title,
    card: row.card,
    digits: row.digits ?? 1,
    difference: figure.score === null || row.card === null ? null : figure.score - row.card,
    selected: selected.selected[row.name] ?? own.length,
    errors: sum(({ error }) => Number(error !== undefined)),
    unscored,
    random: sum(({ isRandom }) => Number(isRandom)),
    promptTokens: sum(({ promptTokens }) => promptTokens),
    answerTokens: sum(({ answerTokens }) => answerTokens),
    seconds: wallSeconds(own),
    ...(notes.length > 0 && { note: notes.join('; ') }),
    categories: categoriesOf(row, units),
    selection: selected.selection,
  };
}

/** Another judge is another scale. */
function judgeNote({ benchmark, judges }: Tally, rules: Manifest['rules']): string | undefined {
  const own = benchmark.judge?.model[rules];
  const others = judges.filter((model) => model !== own);
  if (judges.length === 0 || own === undefined) return undefined;
  const warning = others.length > 0 ? `, not comparable with the card, which ${own} judged` : '';
  return `judged by ${judges.join(', ')}${warning}`;
}

/** Never 0 for what was not scored. */
function noteOfNothing({ score }: ReportFigure, unscored: Record<string, number>): string {
  const [reason] = Object.keys(unscored);
  return score === null ? `not scored${reason ? ` (${reason})` : ''}` : '';
}

function unscoredOf(entries: readonly Entry[], nScored: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { unscored } of entries)
    if (unscored !== undefined) counts[unscored] = (counts[unscored] ?? 0) + 1;
  const incomplete = entries.filter(({ scored }) => scored).length - nScored;
  return incomplete > 0 ? { ...counts, 'incomplete unit': incomplete } : counts;
}

function categoriesOf(figure: Figure, units: readonly Unit[]): ReportRow['categories'] {
  const groups = [...groupBy(units, ([first]) => first!.category ?? '')];
  if (groups.length < 2) return {};
  return Object.fromEntries(
    groups.map(([category, own]) => [
      category,
      { score: figure.value(own), samples: own.flat().length },
    ]),
  );
}

/** Seconds of all runs, each from its start to its last answer. */
function wallSeconds(entries: readonly Entry[]): number {
  const runs = groupBy(entries, ({ run }) => String(run));
  const spans = [...runs].map(([run, own]) => {
    const last = own.reduce((latest, { at }) => Math.max(latest, at), 0);
    return Math.max(0, last - Number(run));
  });
  return spans.reduce((sum, ms) => sum + ms, 0) / 1000;
}
