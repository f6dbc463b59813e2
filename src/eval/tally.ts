/**
 * The verdicts on a benchmark's answers, without the texts: what figures, counts and comparisons are made of. Takes records
 * in any order; a later one about the same sample replaces an earlier.
 */
import type { AnswerRecord } from './answers.js';
import type { Answered, Benchmark } from './benchmark.js';
import { type Figure, groupBy, type Unit } from './figures.js';
import type { JudgeReplies } from './judge/files.js';
import type { Scored, Verdict } from './scored.js';
import type { Rules } from './scorers/rules.js';
import { keyOf, unitKey } from './select.js';

/** What is counted of one sample. */
export interface Entry
  extends Pick<
    AnswerRecord,
    'part' | 'id' | 'index' | 'unit' | 'unitSize' | 'category' | 'promptHash' | 'run' | 'at'
  > {
  /** Null: answered, but not scored, because `unscored`; or not answered, because `error`. */
  scored: Scored | null;
  unscored?: string;
  error?: { code: string; message: string };
  isRandom: boolean;
  promptTokens: number;
  answerTokens: number;
}

export class Tally {
  readonly benchmark: Benchmark;
  /** Who judged. */
  readonly judges: readonly string[];
  readonly #rules: Rules;
  readonly #replies: ReadonlyMap<string, string>;
  readonly #entries = new Map<string, Entry>();

  constructor(benchmark: Benchmark, rules: Rules, judged?: JudgeReplies) {
    this.benchmark = benchmark;
    this.judges = judged?.models ?? [];
    this.#rules = rules;
    this.#replies = judged?.replies ?? new Map();
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  add(record: AnswerRecord): Entry {
    const { part, id, index, unit, unitSize, category, promptHash, run, at, error } = record;
    const verdict = this.#verdict(record);
    const entry: Entry = {
      part,
      id,
      index,
      unit,
      unitSize,
      promptHash,
      run,
      at,
      ...(category !== undefined && { category }),
      scored: scoredOf(record, verdict),
      ...(verdict.unscored !== undefined && { unscored: verdict.unscored }),
      ...(error && { error }),
      isRandom: verdict.isRandom === true,
      promptTokens: record.promptTokens ?? 0,
      answerTokens: record.answerTokens ?? 0,
    };
    this.#entries.set(keyOf(entry), entry);
    return entry;
  }

  #verdict(record: AnswerRecord): Verdict {
    if (record.answer === undefined) return { score: null };
    const part = this.benchmark.data.parts.find(({ name }) => name === record.part);
    if (part?.isHidden) return { score: null, unscored: 'no public answers' };
    return this.benchmark.score(answeredOf(record), {
      rules: this.#rules,
      reply: (id) => this.#replies.get(keyOf({ part: record.part, id })),
    });
  }
}

/** @param record with an answer */
export function answeredOf(record: AnswerRecord): Answered {
  const { part, id, unit, category, prompt, gold, answer } = record;
  return {
    part,
    id,
    unit,
    ...(category !== undefined && { category }),
    prompt,
    gold,
    answer: answer!,
  };
}

/** The units that a figure is made of: those of which every sample was scored. */
export function unitsOf({ of }: Figure, entries: Iterable<Entry>): Unit[] {
  const own = [...entries].filter((entry) => of?.(entry) ?? true);
  return [...groupBy(own, unitKey).values()]
    .filter((unit) => unit.length === unit[0]!.unitSize && unit.every(({ scored }) => scored))
    .map((unit) => unit.map(({ scored }) => scored!));
}

function scoredOf({ part, id, unit, category }: AnswerRecord, verdict: Verdict): Scored | null {
  if (verdict.score === null) return null;
  const scored = { part, id, unit, ...(category !== undefined && { category }) };
  return { ...verdict, ...scored, score: verdict.score };
}
