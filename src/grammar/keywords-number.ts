/** Keywords of numbers. Draft 4's boolean exclusiveMinimum and exclusiveMaximum belong to minimum and maximum. */
import { type Branch, type Choice, NUMBER } from './branch.js';
import { type Keyword, numberAt, type Place } from './keyword.js';
import { atLeast, atMost, type NumberFacts } from './number-facts.js';

/** Above it, digits that doubles cannot tell apart would pass an exclusive bound. */
const LARGEST_EXCLUSIVE = 1e15;

function bound(place: Place, draft4: string): { limit: number; isExclusive: boolean } {
  const limit = numberAt(place);
  const isExclusive = place.keyword.startsWith('exclusive') || place.schema[draft4] === true;
  if (isExclusive && Math.abs(limit) > LARGEST_EXCLUSIVE)
    throw place.fail('exclusive bounds go to 1e15; write an inclusive one');
  return { limit, isExclusive };
}

const about = (place: Place, change: (facts: NumberFacts) => void): Choice => {
  return (branch: Branch) => {
    branch.numberSchema ??= place.schema;
    change(branch.number);
  };
};

const instead = (place: Place, change: (facts: NumberFacts) => void): Choice[] => [
  (branch) => {
    branch.only(NUMBER);
    about(place, change)(branch);
  },
];

const lower: Keyword = {
  apply(branch, place) {
    if (typeof place.value === 'boolean') return;
    const { limit, isExclusive } = bound(place, 'exclusiveMinimum');
    about(place, (facts) => atLeast(facts, limit, isExclusive))(branch);
  },
  negate(place) {
    if (typeof place.value === 'boolean') return [];
    const { limit, isExclusive } = bound(place, 'exclusiveMinimum');
    return instead(place, (facts) => atMost(facts, limit, !isExclusive));
  },
};

const upper: Keyword = {
  apply(branch, place) {
    if (typeof place.value === 'boolean') return;
    const { limit, isExclusive } = bound(place, 'exclusiveMaximum');
    about(place, (facts) => atMost(facts, limit, isExclusive))(branch);
  },
  negate(place) {
    if (typeof place.value === 'boolean') return [];
    const { limit, isExclusive } = bound(place, 'exclusiveMaximum');
    return instead(place, (facts) => atLeast(facts, limit, !isExclusive));
  },
};

function divisorAt(place: Place): number {
  const divisor = numberAt(place);
  if (divisor <= 0) throw place.fail('it has to be above 0');
  return divisor;
}

const multipleOf: Keyword = {
  apply(branch, place) {
    const divisor = divisorAt(place);
    about(place, (facts) => facts.multiplesOf.push(divisor))(branch);
  },
  negate(place) {
    const divisor = divisorAt(place);
    return instead(place, (facts) => facts.notMultiplesOf.push(divisor));
  },
};

export const NUMBER_KEYWORDS: Readonly<Record<string, Keyword>> = {
  minimum: lower,
  exclusiveMinimum: lower,
  maximum: upper,
  exclusiveMaximum: upper,
  multipleOf,
};
