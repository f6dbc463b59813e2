import { editDistance } from './edit-distance.js';

/** The known word that a misspelt one was meant to be: at most two letters off, and most of it right. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((one) => ({ one, mistakes: mistakes(word, one) }))
    .filter(({ one, mistakes }) => mistakes <= 2 && mistakes < one.length / 2)
    .sort((a, b) => a.mistakes - b.mistakes);
  return near[0]?.one;
}

/** Two letters that changed places are one. */
function mistakes(word: string, meant: string): number {
  const distance = editDistance(word, meant);
  return distance === 2 && sorted(word) === sorted(meant) ? 1 : distance;
}

function sorted(word: string): string {
  return [...word].sort().join('');
}
