/**
 * MMMU's open questions: what an answer may claim, as texts and numbers, and whether one of them is the gold.
 * @see lmms-eval tasks/mmmu/utils.py parse_open_response, eval_open
 */

import { floatText, parseFloatLiteral, round } from './python-numbers.js';
import { characters, DIGIT, strip, stripCharacter, WORD } from './python-text.js';
import type { Rules } from './rules.js';

export type Claim = string | number;

const KEYS = ['could be ', 'so ', 'is ', 'thus ', 'therefore ', 'final ', 'answer ', 'result '];
const TRIVIAL = [...":,.!?;'"];
const GROUPED = new RegExp(`(?:-|(?<![${WORD}]))${DIGIT}{1,3}(?:,${DIGIT}{3})+(?![${WORD}])`, 'gu');
const SCIENTIFIC = new RegExp(`-?${DIGIT}+(?:\\.${DIGIT}+)?[eE][+\\-]?${DIGIT}+`, 'gu');
const SIMPLE = new RegExp(
  `-?(?:${DIGIT}+\\.${DIGIT}+|\\.${DIGIT}+|${DIGIT}+(?![${WORD}]))` +
    `(?![eE][+\\-]?${DIGIT}+)(?![,${DIGIT}])`,
  'gu',
);

/** What an answer claims: the ends of its key phrases (or all of it), and every number in them. */
export function openClaims(answer: string): Claim[] {
  const parts = keyParts(answer);
  const numbers = parts.flatMap((part) =>
    [GROUPED, SCIENTIFIC, SIMPLE].flatMap((pattern) => part.match(pattern) ?? []),
  );
  return [...new Set([...parts, ...numbers].flatMap(normalized))];
}

/**
 * HEAD turns the claims into one text and compares its characters one by one: nothing but an empty gold can match.
 * It is kept for comparison; use v0.2.2 for figures.
 */
export function openRight(answer: string, golds: readonly string[], rules: Rules): boolean {
  const claims = openClaims(answer);
  if (rules === 'v0.2.2') return claimsRight(claims, golds);
  const [first = ''] = claims;
  return claimsRight(characters(typeof first === 'number' ? floatText(first) : first), golds);
}

export function claimsRight(claims: readonly Claim[], golds: readonly string[]): boolean {
  const accepted = golds.flatMap(normalized);
  return claims.some((claim) => isAccepted(claim, accepted));
}

/** A text claim may hold more than the gold; a number must equal it, both rounded to two places. */
function isAccepted(claim: Claim, golds: readonly Claim[]): boolean {
  if (typeof claim === 'number') return golds.some((gold) => gold === claim);
  return golds.some((gold) => typeof gold === 'string' && claim.includes(gold));
}

function keyParts(answer: string): string[] {
  const whole = stripCharacter(strip(answer), '.').toLowerCase();
  const lines = whole.split('\n');
  const found = lines.flatMap((line, i) => {
    // The last line may be an equation.
    const keys = i === lines.length - 1 ? [...KEYS, '='] : KEYS;
    const tail = shortestTail(line, keys);
    return tail === '' || TRIVIAL.includes(tail) ? [] : [tail];
  });
  return found.length > 0 ? found : [whole];
}

/** What follows the last of one key; '' without any. An empty tail gives way to the next, shorter or not. */
function shortestTail(line: string, keys: readonly string[]): string {
  let shortest = '';
  for (const key of keys) {
    if (!line.includes(key)) continue;
    const tail = strip(line.split(key).at(-1) ?? '');
    if (shortest === '' || characters(tail).length < characters(shortest).length) shortest = tail;
  }
  return shortest;
}

/** A number as itself, to two places; a single character with a space, so that it does not match inside words. */
function normalized(text: string): Claim[] {
  const trimmed = strip(text);
  const number = parseFloatLiteral(trimmed.replaceAll(',', ''));
  if (number !== undefined) return [round(number, 2)];
  const lower = trimmed.toLowerCase();
  return characters(lower).length === 1 ? [` ${lower}`, `${lower} `] : [lower];
}
