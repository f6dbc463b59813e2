import { editDistance } from '../../edit-distance.js';
import { characters, splitWords } from './python-text.js';

const THRESHOLD = 0.5;

/**
 * Average normalised Levenshtein similarity of one question, 0 or 0.5–1: the best over the gold answers.
 * The distance is taken between tidied texts, its scale from the texts as they came.
 * @see lmms-eval api/metrics.py anls
 */
export function anls(prediction: string, answers: readonly string[]): number {
  const distances = answers.map((answer) => {
    const distance = editDistance(tidied(answer), tidied(prediction));
    const scale = Math.max(upperLength(answer), upperLength(prediction));
    return scale === 0 ? 0 : distance / scale;
  });
  const similarity = 1 - Math.min(...distances);
  return similarity < THRESHOLD ? 0 : similarity;
}

function tidied(text: string): string {
  return splitWords(text.toLowerCase()).join(' ');
}

/** Upper case can be longer: ß becomes SS. */
function upperLength(text: string): number {
  return characters(text.toUpperCase()).length;
}
