/**
 * What is known of a number: an interval, divisors, values that it is not. Values are JavaScript's doubles, as
 * JSON.parse gives them; number-language.ts writes them down.
 */
import { isMultipleOf } from './decimal-multiple.js';

export interface NumberFacts {
  isInteger: boolean;
  isFraction: boolean;
  least: number;
  isAboveLeast: boolean;
  most: number;
  isBelowMost: boolean;
  multiplesOf: number[];
  notMultiplesOf: number[];
  values: ReadonlySet<number> | undefined;
  notValues: number[];
}

export function anyNumber(): NumberFacts {
  return {
    isInteger: false,
    isFraction: false,
    least: Number.NEGATIVE_INFINITY,
    isAboveLeast: false,
    most: Number.POSITIVE_INFINITY,
    isBelowMost: false,
    multiplesOf: [],
    notMultiplesOf: [],
    values: undefined,
    notValues: [],
  };
}

export function copyNumber(facts: NumberFacts): NumberFacts {
  return {
    ...facts,
    multiplesOf: [...facts.multiplesOf],
    notMultiplesOf: [...facts.notMultiplesOf],
    notValues: [...facts.notValues],
  };
}

export function atLeast(facts: NumberFacts, bound: number, isAbove: boolean): void {
  if (bound < facts.least || (bound === facts.least && !isAbove)) return;
  facts.least = bound;
  facts.isAboveLeast = isAbove;
}

export function atMost(facts: NumberFacts, bound: number, isBelow: boolean): void {
  if (bound > facts.most || (bound === facts.most && !isBelow)) return;
  facts.most = bound;
  facts.isBelowMost = isBelow;
}

export function oneOf(facts: NumberFacts, values: Iterable<number>): void {
  const allowed = new Set(values);
  const before = facts.values;
  facts.values = before ? new Set([...before].filter((value) => allowed.has(value))) : allowed;
}

/** The values of a finite set of facts that keep all the others. */
export function keptValues(facts: NumberFacts, values: Iterable<number>): number[] {
  return [...values].filter(
    (value) =>
      (!facts.isInteger || Number.isInteger(value)) &&
      (!facts.isFraction || !Number.isInteger(value)) &&
      (facts.isAboveLeast ? value > facts.least : value >= facts.least) &&
      (facts.isBelowMost ? value < facts.most : value <= facts.most) &&
      facts.multiplesOf.every((divisor) => isMultipleOf(value, divisor)) &&
      facts.notMultiplesOf.every(
        (divisor) => !isMultipleOf(value, divisor) && !Number.isInteger(value / divisor),
      ) &&
      !facts.notValues.includes(value),
  );
}
