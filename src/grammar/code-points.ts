/**
 * Sets of Unicode code points as sorted, disjoint ranges. Surrogates are no characters here: a text that is
 * well formed has none, and no grammar of ours admits them.
 */
export type CodePoints = readonly (readonly [from: number, to: number])[];

export const NO_CHARACTER: CodePoints = [];
export const ANY_CHARACTER: CodePoints = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
];

/** @param ranges in any order, overlapping or not; what lies among the surrogates is left out. */
export function codePoints(ranges: Iterable<readonly [number, number]>): CodePoints {
  return intersect(merge([...ranges]), ANY_CHARACTER);
}

const ASCII = Array.from({ length: 128 }, (_, point): CodePoints => [[point, point]]);

/** The set of one character; the same object for the same of ASCII. */
export function single(point: number): CodePoints {
  return ASCII[point] ?? [[point, point]];
}

export function isSurrogate(point: number): boolean {
  return point >= 0xd800 && point <= 0xdfff;
}

export function charactersOf(text: string): CodePoints {
  if (text.length === 1 && text < '\x80') return single(text.charCodeAt(0));
  return codePoints(
    Array.from(text, (char) => [char.codePointAt(0)!, char.codePointAt(0)!] as const),
  );
}

function merge(ranges: (readonly [number, number])[]): CodePoints {
  const merged: [number, number][] = [];
  const sorted = ranges.length > 1 ? ranges.sort((a, b) => a[0] - b[0]) : ranges;
  for (let i = 0; i < sorted.length; i++) {
    const from = sorted[i]![0];
    const to = sorted[i]![1];
    const last = merged[merged.length - 1];
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function union(...sets: CodePoints[]): CodePoints {
  return sets.length === 1 ? sets[0]! : codePoints(sets.flat());
}

export function intersect(a: CodePoints, b: CodePoints): CodePoints {
  const common: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const from = Math.max(a[i]![0], b[j]![0]);
    const to = Math.min(a[i]![1], b[j]![1]);
    if (from <= to) common.push([from, to]);
    if (a[i]![1] < b[j]![1]) i++;
    else j++;
  }
  return common;
}

export function complement(set: CodePoints): CodePoints {
  const gaps: [number, number][] = [];
  let next = 0;
  for (let i = 0; i < set.length; i++) {
    if (set[i]![0] > next) gaps.push([next, set[i]![0] - 1]);
    next = set[i]![1] + 1;
  }
  if (next <= 0x10ffff) gaps.push([next, 0x10ffff]);
  return intersect(gaps, ANY_CHARACTER);
}

export function has(set: CodePoints, point: number): boolean {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (point < set[middle]![0]) high = middle - 1;
    else if (point > set[middle]![1]) low = middle + 1;
    else return true;
  }
  return false;
}

export function keyOf(set: CodePoints): string {
  let key = '';
  for (let i = 0; i < set.length; i++) key += `${set[i]![0]}-${set[i]![1]},`;
  return key;
}
