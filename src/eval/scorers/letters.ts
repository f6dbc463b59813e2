/**
 * The short extractors of multiple choice answers: text in, letter (or whatever is compared) out. Each is one benchmark's own rule,
 * quirks included; `rules` where the two states of the reference harness differ.
 * @see lmms-eval v0.2.2 and 75571cfe, utils.py of each task
 */

import { mcqExtract } from './mcq-extract.js';
import {
  characters,
  deletePunctuation,
  escapePattern,
  SPACE,
  strip,
  stripCharacter,
  WORD,
} from './python-text.js';
import type { Rules } from './rules.js';

export const FOUR_LETTERS = ['A', 'B', 'C', 'D'] as const;

/** Equality but for case and ASCII punctuation: AI2D, RealWorldQA. */
export function looselyEqual(prediction: string, answer: string): boolean {
  const plain = (text: string) => deletePunctuation(text.toLowerCase());
  return plain(prediction) === plain(answer);
}

const LETTER_AND_POINT = new RegExp(`^[${SPACE}]*([A-Z])\\.`, 'u');

/** AI2D: `A. wolf` is A, anything else is itself. To be compared by {@link looselyEqual}. */
export function leadingLetter(text: string): string {
  return LETTER_AND_POINT.exec(text)?.[1] ?? text;
}

const NUMBER_WORDS = 'zero one two three four five six seven eight nine ten'.split(' ');
const OPTION = new RegExp(`(?<![${WORD}])[A-Z]\\.[${SPACE}]+([^\\n]*)`, 'gu');
const NEITHER_WORD_NOR_SPACE = new RegExp(`[^${WORD}${SPACE}]`, 'gu');

/**
 * RealWorldQA, v0.2.2: a number word becomes its digit; an option's text (found in the question) its letter, counted from A.
 * To be compared by {@link looselyEqual}.
 */
export function realWorldAnswer(text: string, question: string): string {
  const number = NUMBER_WORDS.indexOf(text.toLowerCase());
  const plain = strip((number < 0 ? text : String(number)).replace(NEITHER_WORD_NOR_SPACE, ''));
  const options = Array.from(question.matchAll(OPTION), ([, option = '']) => strip(option));
  if (options.length === 0) return plain;
  const found = new RegExp(options.map(escapePattern).join('|'), 'u').exec(plain)?.[0];
  const index = found === undefined ? -1 : options.lastIndexOf(found);
  return index < 0 ? plain : String.fromCharCode('A'.charCodeAt(0) + index);
}

export function realWorldRight(
  text: string,
  { question, answer }: { question: string; answer: string },
  rules: Rules,
): boolean {
  if (rules === 'v0.2.2') return looselyEqual(realWorldAnswer(text, question), answer);
  const gold = strip(answer);
  if (/^[A-D]$/i.test(gold)) return mcqExtract(text, FOUR_LETTERS) === gold.toUpperCase();
  return strip(text.toLowerCase()).replace(/\.+$/, '') === gold.toLowerCase();
}

/** ScienceQA: the bare letter in any case; `B. Louisiana` only since the bug of v0.2.2, which lower-cased first, was mended (HEAD). */
export function scienceRight(text: string, letter: string, rules: Rules): boolean {
  const answer = strip(text);
  const gold = letter.toLowerCase();
  if (answer.toLowerCase() === gold) return true;
  return rules === 'HEAD' && /^\p{Uppercase}\./u.test(answer) && answer[0]!.toLowerCase() === gold;
}

/** MMStar. v0.2.2 looks only where the letter may stand: first, in brackets, after "option" or "the answer is". */
export function starRight(text: string, letter: string, rules: Rules): boolean {
  if (rules === 'HEAD') return mcqExtract(text, FOUR_LETTERS) === strip(letter).toUpperCase();
  const tidy = (raw: string) => strip(raw.toLowerCase()).replaceAll('\n', ' ');
  const answer = tidy(text);
  const gold = tidy(letter);
  return ['', '(', 'option ', 'the answer is '].some(
    (lead) => answer.startsWith(lead) && characters(answer.slice(lead.length))[0] === gold,
  );
}

/** SEED-Bench: the first character; compared but for case. */
export function firstCharacter(text: string): string {
  return characters(strip(text))[0] ?? '';
}

export function seedRight(text: string, letter: string): boolean {
  return firstCharacter(text).toLowerCase() === strip(letter.toLowerCase());
}

const LONE_LETTER = new RegExp(`(?<![${WORD}])[A-D](?![${WORD}])`, 'u');

/** PerceptionTest: the first capital A–D that is a word of its own, as an index; -1 without one. */
export function loneLetterIndex(text: string): number {
  const letter = LONE_LETTER.exec(strip(text))?.[0];
  return letter === undefined ? -1 : letter.charCodeAt(0) - 'A'.charCodeAt(0);
}

// The last two are one string each in the reference, where a comma is missing between two.
const PREFIXES = [
  'The best answer is',
  'The correct answer is',
  'The answer is',
  'The answer',
  'The best option isThe correct option is',
  'Best answer:Best option:',
];

/** Video-MME: the first of A–D anywhere, once the phrases above are gone. "Answer: C" is A. */
export function videoMmeLetter(text: string, rules: Rules): string {
  if (rules === 'HEAD') return mcqExtract(text, FOUR_LETTERS);
  const rest = PREFIXES.reduce((left, prefix) => left.replaceAll(prefix, ''), strip(text));
  return /[A-D]/.exec(rest)?.[0] ?? '';
}

/** MLVU, whose prompt ends in "(": what stands before the first ")", or all. */
export function mlvuLetter(text: string, rules: Rules): string {
  if (rules === 'HEAD') return mcqExtract(text, FOUR_LETTERS);
  const answer = strip(text);
  const close = answer.indexOf(')');
  return close < 0 ? answer : (characters(answer.slice(0, close)).at(-1) ?? '');
}

const MV_OPTION = new RegExp(`^([A-E])\\.[${SPACE}]*[^\\n]+$`, 'iu');
const MV_LETTER = new RegExp(`(?<![${WORD}])[A-E](?![${WORD}])`, 'iu');
const MV_PUNCTUATION = [...';/[]"{}()=+\\_->', ...'<@`,?!'];

/** MVBench: the letter of `B. text`; else the first of A–E that is a word ("a" too); else the text. */
export function mvBenchAnswer(text: string): string {
  const trimmed = strip(text);
  const option = MV_OPTION.exec(trimmed)?.[1];
  if (option) return option.toUpperCase();
  let answer = withoutPunctuation(strip(trimmed.replace(/[\n\t]/g, ' ')));
  for (const end of ["'", '"', ')', '(']) answer = stripCharacter(answer, end);
  answer = strip(answer).toLowerCase();
  return MV_LETTER.exec(answer)?.[0].toUpperCase() ?? answer;
}

export function mvBenchRight(text: string, letter: string): boolean {
  return mvBenchAnswer(text) === letter;
}

/** A mark next to a space vanishes everywhere, others become spaces; periods go but before a digit. */
function withoutPunctuation(text: string): string {
  const hasGroupedDigits = /\p{Nd},\p{Nd}/u.test(text);
  let out = text;
  for (const mark of MV_PUNCTUATION) {
    const vanishes = hasGroupedDigits || text.includes(`${mark} `) || text.includes(` ${mark}`);
    out = out.replaceAll(mark, vanishes ? '' : ' ');
  }
  let periods = 32; // The reference passes a flag where it means a count.
  return out.replace(/\.(?!\p{Nd})/gu, (period) => (periods-- > 0 ? '' : period));
}
