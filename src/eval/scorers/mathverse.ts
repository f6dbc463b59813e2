import { namedLetter } from './mmmu-choice.js';
import { parseFloatLiteral } from './python-numbers.js';
import { strip } from './python-text.js';

const KEPT_WORDS = 30;

/** What the judge of v0.2.2 sees of an answer: its last words. @see lmms-eval tasks/mathverse trunk_response */
export function lastWords(answer: string): string {
  return strip(answer).split(' ').slice(-KEPT_WORDS).join(' ');
}

const CHOICE_LETTERS = [...'ABCDE'];

/**
 * A stand-in for MathVerse's judge: the letter that a multiple choice answer names last; of a free answer the text, but
 * for case and a closing period, or its value. Our own approximation, not the reference's.
 */
export function mathVerseRightOffline(
  answer: string,
  { questionType, gold }: { questionType: string; gold: string },
): boolean {
  if (questionType === 'multi-choice')
    return namedLetter(answer, CHOICE_LETTERS) === strip(gold).toUpperCase();
  const given = plain(answer);
  const wanted = plain(gold);
  if (given === wanted) return true;
  const value = parseFloatLiteral(given);
  return value !== undefined && value === parseFloatLiteral(wanted);
}

function plain(text: string): string {
  return strip(text).toLowerCase().replace(/\.$/, '').replace(/[°$,]/g, '');
}
