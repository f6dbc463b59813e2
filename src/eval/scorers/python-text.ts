/**
 * How Python 3 sees text, where JavaScript differs: what is white space, a word, a punctuation mark, one character.
 * The reference scorers were written in it, so their results depend on it.
 */

/** Sources of character classes for regular expressions with the `u` flag. */
export const SPACE =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
/** Python's \w; its \b is the edge of this class. */
export const WORD = '\\p{L}\\p{N}_';
export const DIGIT = '\\p{Nd}';

const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'gu');
const RUN = new RegExp(`[${SPACE}]+`, 'u');
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/g;
const SYNTAX = /[.*+?^${}()|[\]\\/]/g;

/** str.strip() */
export function strip(text: string): string {
  return text.replace(ENDS, '');
}

/** str.strip(character): only this one, however often it stands at an end. */
export function stripCharacter(text: string, character: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === character) start++;
  while (end > start && text[end - 1] === character) end--;
  return text.slice(start, end);
}

/** str.split() */
export function splitWords(text: string): string[] {
  const rest = strip(text);
  return rest === '' ? [] : rest.split(RUN);
}

/** Code points, the characters of a Python string. */
export function characters(text: string): string[] {
  return Array.from(text);
}

/** Deletes string.punctuation. */
export function deletePunctuation(text: string): string {
  return text.replace(ASCII_PUNCTUATION, '');
}

/** re.escape, for a regular expression with the `u` flag. */
export function escapePattern(text: string): string {
  return text.replace(SYNTAX, '\\$&');
}

/** str.capitalize(): the first character in title case, the rest in lower case. */
export function capitalize(text: string): string {
  const [first = ''] = text;
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

function titleCase(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  // The Latin digraphs (Dž, Lj, Nj, Dz) have a title case of their own, in the middle of each three.
  if (code >= 0x1c4 && code <= 0x1cc) return String.fromCodePoint(code - ((code - 0x1c4) % 3) + 1);
  if (code >= 0x1f1 && code <= 0x1f3) return '\u01f2';
  const [first = '', ...rest] = character.toUpperCase();
  return first + rest.join('').toLowerCase();
}
