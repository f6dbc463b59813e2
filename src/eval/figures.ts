/**
 * Figures: how scored samples become one number. A unit is what is scored together, mostly one sample; intervals draw
 * units, so a figure is a function of a list of units in which one may stand twice.
 */
import type { Scored } from './scored.js';

export type Unit = readonly Scored[];

export interface Figure {
  /** 'accuracy', 'human', 'M-Avg'. */
  name: string;
  /** Which samples belong to it, by what is known before they are answered. Default: all. */
  of?(sample: { part: string; category?: string }): boolean;
  /** The figure in the card's unit, given at least one unit. */
  value(units: readonly Unit[]): number;
  /** Present when `value` is the plain mean of this over units: the interval then needs no drawing. */
  each?(unit: Unit): number;
  /** What `each` gives for an answer that is right, where it is right or wrong. */
  scale?: number;
  /** Units are drawn within strata, so that a mean over categories keeps them all. Default: one stratum. */
  stratum?(unit: Unit): string;
  /** Digits after the point that the card shows. Default 1. */
  digits?: number;
}

type Value = (sample: Scored) => number;

const scoreOf: Value = ({ score }) => score;

/** The mean over units, which mostly are samples. @param options.scale 100 (default) makes fractions per cent @param options.value default: the score */
export function mean({ scale = 100, value = scoreOf }: { scale?: number; value?: Value } = {}) {
  const each = (unit: Unit) => scale * average(unit.map(value));
  return { each, scale, value: (units: readonly Unit[]) => average(units.map(each)) };
}

/** The mean over groups of samples of the groups' means. @param options.by default: the category */
export function macroMean({
  scale = 100,
  by = categoryOf,
}: {
  scale?: number;
  by?: (sample: Scored) => string;
} = {}) {
  const value = (units: readonly Unit[]) => {
    const groups = [...groupBy(units.flat(), by).values()];
    return scale * average(groups.map((samples) => average(samples.map(scoreOf))));
  };
  return { value, stratum: (unit: Unit) => by(unit[0]!) };
}

export function categoryOf({ category }: { category?: string }): string {
  return category ?? '';
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** In the order of first appearance. */
export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
