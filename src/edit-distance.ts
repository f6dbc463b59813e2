/** Levenshtein distance in code points; every insertion, deletion and substitution costs 1. */
export function editDistance(from: string, to: string): number {
  const target = [...to];
  let row = Array.from({ length: target.length + 1 }, (_, i) => i);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of target.entries()) {
      const substituted = row[j]! + (character === wanted ? 0 : 1);
      next.push(Math.min(substituted, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[target.length]!;
}
