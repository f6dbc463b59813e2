/** What came out of comparing files with a table. */
export interface CheckResult {
  name: string;
  /** 'shown': there are figures but no bound that they could be judged by. */
  status: 'pass' | 'fail' | 'shown' | 'skipped';
  expected?: string;
  got?: string;
  /** The largest difference of numbers, or a relative one, as `name` says. */
  difference?: number;
  bound?: number;
  /** Why it was skipped or cannot be judged, or what to do. */
  note?: string;
}

export interface VerifyReport {
  /** Name of the table, and where its figures come from. */
  table: string;
  source?: string;
  model: { path: string; type: string };
  mmproj: { path: string; type: string } | null;
  isOnGpu: boolean;
  checks: CheckResult[];
  /** Nothing failed. */
  passed: boolean;
}

export function exact(name: string, expected: unknown, got: unknown): CheckResult {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(got)];
  return { name, status: a === b ? 'pass' : 'fail', expected: a, got: b };
}

/** Judged by a bound, or shown where there is none. */
export function near(
  name: string,
  figures: { expected: readonly number[]; got: readonly number[]; difference: number },
  bound: number | undefined,
): CheckResult {
  const { difference } = figures;
  const texts = { expected: digits(figures.expected), got: digits(figures.got), difference };
  if (bound === undefined) return { name, status: 'shown', ...texts, note: COARSE };
  // NaN is no pass.
  return { name, status: difference <= bound ? 'pass' : 'fail', ...texts, bound };
}

export function skipped(name: string, note: string): CheckResult {
  return { name, status: 'skipped', note };
}

export const COARSE = 'files of this type answer differently by design';

const SHOWN = 8;

function digits(values: readonly number[]): string {
  const more = values.length > SHOWN ? ' …' : '';
  return (
    values
      .slice(0, SHOWN)
      .map((value) => value.toFixed(4))
      .join(' ') + more
  );
}
