/**
 * What the judges' replies say. Each function reads one benchmark's form as the reference does: a reply that it cannot read
 * has a value too, given with each, except where it is undefined. Replies come as the judge wrote them.
 * @see lmms-eval v0.2.2 and 75571cfe, utils.py of each task
 */

import { isRecord, parseJson } from '../../option-checks.js';
import { literal, type PythonValue } from './python-literals.js';
import { parseFloatLiteral, parseInteger } from './python-numbers.js';
import { DIGIT, SPACE, strip } from './python-text.js';
import type { Rules } from './rules.js';

/** Two ratings, the reference answer's first: LLaVA-W, LLaVA-Wilder. [-1, -1] if they cannot be read. */
export type Ratings = readonly [reference: number, answer: number];

const UNREADABLE: Ratings = [-1, -1];
const NUMBER = new RegExp(`-?${DIGIT}+(?:\\.${DIGIT}+)?`, 'gu');

/** v0.2.2, and with `trim` LLaVA-Wilder's HEAD: exactly two numbers, one space between, are the first line. */
export function strictRatings(reply: string, { trim = false } = {}): Ratings {
  const [first = ''] = reply.split('\n');
  const parts = (trim ? strip(first) : first).replaceAll(',', ' ').split(' ');
  const [reference, answer] = parts.map(parseFloatLiteral);
  if (parts.length !== 2 || reference === undefined || answer === undefined) return UNREADABLE;
  return [reference, answer];
}

/** LLaVA-W, HEAD: the first two numbers of the first line. */
export function looseRatings(reply: string): Ratings {
  const [first = ''] = strip(reply).split('\n');
  const [reference, answer] = first.replace(/[,;]/g, ' ').match(NUMBER) ?? [];
  if (reference === undefined || answer === undefined) return UNREADABLE;
  return [parseFloatLiteral(reference)!, parseFloatLiteral(answer)!];
}

/** MM-Vet: the first word, a number from 0 to 1; undefined otherwise, which the reference asks again and then counts as 0. */
export function vetScore(reply: string): number | undefined {
  const [first = ''] = strip(reply).split(' ');
  const score = parseFloatLiteral(first);
  return score !== undefined && score >= 0 && score <= 1 ? score : undefined;
}

const VIBE_RATING = new RegExp(`Rating:[${SPACE}]*([1-5])`, 'u');

/** Vibe-Eval: 1–5, or 0. */
export function vibeRating(reply: string): number {
  return Number(VIBE_RATING.exec(reply)?.[1] ?? 0);
}

const FINAL_SCORE = new RegExp(`Final Score: (${DIGIT}+)`, 'u');

/** ImageDC: the whole number after `Final Score: `, or 0. */
export function finalScore(reply: string): number {
  return Number(parseInteger(FINAL_SCORE.exec(reply)?.[1] ?? '0'));
}

/** LiveBench: `Rating` of a JSON object that also has an `Explanation`, 0–10; -1 otherwise. */
export function liveRating(reply: string): number {
  const value = parseJson(reply);
  if (!isRecord(value) || !('Explanation' in value)) return -1;
  // Asked for as a string, "(int)", and given as one or the other.
  const rating = typeof value.Rating === 'string' ? parseFloatLiteral(value.Rating) : value.Rating;
  return typeof rating === 'number' && rating >= 0 ? rating : -1;
}

/** MathVerse: right or wrong; undefined where v0.2.2 asks again. HEAD takes any reply with a 1 in it for right. */
export function mathVerseVerdict(reply: string, rules: Rules): boolean | undefined {
  if (rules === 'HEAD') return reply.includes('1');
  const verdict = strip(reply.replaceAll('Judgement:', ''));
  return verdict === '0' || verdict === '1' ? verdict === '1' : undefined;
}

/** Video-ChatGPT and VideoDC: `score` of a Python dict as a whole number, or 0. */
export function dictScore(reply: string): number {
  const dict = literal(reply);
  return dict instanceof Map ? (toInteger(dict.has('score') ? dict.get('score')! : 0) ?? 0) : 0;
}

/** ActivityNet-QA: `pred` (mostly yes or no) and `score` of a Python dict. */
export interface Verdict {
  pred: PythonValue;
  score: number;
}

/** v0.2.2: 'no' and 0 where the reply or one of the two is missing; HEAD: undefined. */
export function activityVerdict(reply: string, rules: Rules): Verdict | undefined {
  return rules === 'v0.2.2' ? wholeDict(reply) : partDict(reply);
}

function wholeDict(reply: string): Verdict {
  const dict = literal(reply);
  if (!(dict instanceof Map)) return { pred: 'no', score: 0 };
  const score = toFloat(dict.has('score') ? dict.get('score')! : 0);
  if (score === undefined) return { pred: 'no', score: 0 };
  return { pred: dict.has('pred') ? dict.get('pred')! : 'no', score };
}

/** Reads what stands between the first `{` and the next brace. */
function partDict(reply: string): Verdict | undefined {
  const inner = reply.split('{')[1]?.split('}')[0];
  const dict = inner === undefined ? undefined : literal(`{${inner}}`);
  if (!(dict instanceof Map) || !dict.has('score')) return undefined;
  const score = toInteger(dict.get('score')!);
  const pred = dict.get('pred');
  if (score === undefined || typeof pred !== 'string') return undefined;
  const lower = pred.toLowerCase();
  return { pred: lower.includes('yes') ? 'yes' : lower.includes('no') ? 'no' : pred, score };
}

/** int(value) */
function toInteger(value: PythonValue): number | undefined {
  if (typeof value === 'string') {
    const integer = parseInteger(value);
    return integer === undefined ? undefined : Number(integer);
  }
  const number = toFloat(value);
  return number === undefined || !Number.isFinite(number) ? undefined : Math.trunc(number);
}

/** float(value) */
function toFloat(value: PythonValue): number | undefined {
  if (typeof value === 'string') return parseFloatLiteral(value);
  if (value === null || typeof value === 'object') return undefined;
  return Number(value);
}
