/** Keywords of strings. "format" is kept where JSON schema or OpenAPI defines it, and is an annotation otherwise. */
import { type Choice, STRING } from './branch.js';
import { formatPattern, UNSAYABLE_FORMATS } from './formats.js';
import { countAt, type Keyword, type Place } from './keyword.js';
import type { Term } from './language.js';
import { atLeast, atMost } from './number-facts.js';

const onlyString = (change: Choice): Choice[] => [
  (branch) => {
    branch.only(STRING);
    change(branch);
  },
];

const minLength: Keyword = {
  apply({ string }, place) {
    string.min = Math.max(string.min, countAt(place));
    string.schema ??= place.schema;
  },
  negate(place) {
    const most = countAt(place) - 1;
    if (most < 0) return [];
    return onlyString(({ string }) => {
      string.max = Math.min(string.max, most);
    });
  },
};

const maxLength: Keyword = {
  apply({ string }, place) {
    string.max = Math.min(string.max, countAt(place));
    string.schema ??= place.schema;
  },
  negate(place) {
    const least = countAt(place) + 1;
    return onlyString(({ string }) => {
      string.min = Math.max(string.min, least);
    });
  },
};

function patternAt(place: Place): Term {
  if (typeof place.value !== 'string') throw place.fail('it has to be a text');
  return place.document.pattern(place.value, place);
}

const pattern: Keyword = {
  apply({ string }, place) {
    string.terms.push(patternAt(place));
    string.schema ??= place.schema;
  },
  negate(place) {
    const term = place.document.pool.not(patternAt(place));
    return onlyString(({ string }) => {
      string.terms.push(term);
    });
  },
};

const INTEGERS: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };

const format: Keyword = {
  apply(branch, place) {
    const name = place.value;
    if (typeof name !== 'string') throw place.fail('it has to be a text');
    if (UNSAYABLE_FORMATS.has(name))
      throw place.fail(`"${name}" is beyond a grammar; leave it out`);
    const known = formatPattern(name);
    if (known) {
      branch.string.terms.push(place.document.pattern(known.pattern, place));
      branch.string.schema ??= place.schema;
    }
    const limit = Object.hasOwn(INTEGERS, name) ? INTEGERS[name] : undefined;
    if (!limit) return;
    branch.number.isInteger = true;
    atLeast(branch.number, -limit, false);
    // The largest double below 2^63 is even.
    atMost(branch.number, limit === 2 ** 31 ? limit - 1 : limit - 1024, false);
  },
  negate(place) {
    const name = place.value;
    if (typeof name !== 'string') throw place.fail('it has to be a text');
    if (Object.hasOwn(INTEGERS, name) || UNSAYABLE_FORMATS.has(name))
      throw place.fail(`the opposite of "${name}" cannot be said`);
    const known = formatPattern(name);
    if (!known) return [];
    if (!known.isExact)
      throw place.fail(`the opposite of "${name}" cannot be said; write a pattern`);
    const { document } = place;
    const term = document.pool.not(document.pattern(known.pattern, place));
    return onlyString(({ string }) => {
      string.terms.push(term);
    });
  },
};

export const STRING_KEYWORDS: Readonly<Record<string, Keyword>> = {
  minLength,
  maxLength,
  pattern,
  format,
};
