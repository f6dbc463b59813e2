/** What scorers say of answers, and what figures are made of. */
export interface Verdict {
  /** In the scorer's own unit, mostly 0 to 1; null: not scored, because `unscored`. */
  score: number | null;
  /** What was read from the answer. */
  parsed?: unknown;
  /** Drawn, because the rule draws when nothing can be read; with `drawIndex` of random.ts. */
  isRandom?: boolean;
  /** Further numbers that figures use. */
  values?: Readonly<Record<string, number>>;
  /** 'judge required', 'empty answer'. */
  unscored?: string;
}

/** What figures are made of. */
export interface Scored extends Verdict {
  id: string;
  part: string;
  unit: string;
  category?: string;
  score: number;
}
