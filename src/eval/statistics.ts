/**
 * 95 % intervals. Means of right and wrong: Wilson's, and Agresti's for pairs; other means: the normal one; anything else (sums
 * over categories, ratios): the middle of 1,000 draws of units with replacement, within strata, from a fixed seed.
 */
import { average, type Figure, groupBy, type Unit } from './figures.js';
import { randomNumbers } from './random.js';

export type Interval = [low: number, high: number];

const Z = 1.959964;
const MAX_DRAWS = 1000;
const MIN_DRAWS = 200;
/** Units drawn in all: seconds, not minutes, for the largest benchmark. */
const MAX_WORK = 4e6;
const SEED = 1;

/** Null for fewer than two units, which say nothing about what another draw would give. */
export function intervalOf(figure: Figure, units: readonly Unit[]): Interval | null {
  if (units.length < 2) return null;
  const { each, scale = 1 } = figure;
  if (each) return meanInterval(units.map(each), scale);
  return drawnInterval(units, (drawn) => figure.value(drawn), figure.stratum);
}

/** The interval of B - A, where `pairs` are the same units answered twice. */
export function differenceInterval(
  figure: Figure,
  pairs: readonly { a: Unit; b: Unit }[],
): Interval | null {
  if (pairs.length < 2) return null;
  const { each, stratum, scale = 1 } = figure;
  if (each)
    return meanDifference(
      pairs.map(({ a, b }) => [each(a), each(b)]),
      scale,
    );
  const difference = (drawn: readonly { a: Unit; b: Unit }[]) =>
    figure.value(drawn.map(({ b }) => b)) - figure.value(drawn.map(({ a }) => a));
  return drawnInterval(pairs, difference, stratum && (({ a }) => stratum(a)));
}

function meanInterval(values: readonly number[], scale: number): Interval {
  const isBinary = values.every((value) => value === 0 || value === scale);
  return isBinary ? wilson(values.length, average(values) / scale, scale) : normalInterval(values);
}

/** @see Wilson 1927, the score interval */
function wilson(n: number, share: number, scale: number): Interval {
  const centre = share + Z ** 2 / (2 * n);
  const half = Z * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2));
  const shrink = 1 + Z ** 2 / n;
  return [
    (scale * Math.max(0, centre - half)) / shrink,
    (scale * Math.min(shrink, centre + half)) / shrink,
  ];
}

/** Right and wrong: with half a pair added to each of the four outcomes, so that no change at all is not certainty.
 *  @see Agresti and Min 2005, the adjusted Wald interval for matched pairs */
function meanDifference(
  pairs: readonly (readonly [a: number, b: number])[],
  scale: number,
): Interval {
  const steps = pairs.map(([a, b]) => b - a);
  if (!pairs.flat().every((value) => value === 0 || value === scale)) return normalInterval(steps);
  const n = pairs.length + 2;
  const middle = steps.reduce((sum, step) => sum + step, 0) / scale / n;
  const changed = (steps.filter((step) => step !== 0).length + 1) / n;
  const half = Z * Math.sqrt((changed - middle ** 2) / n);
  return [scale * (middle - half), scale * (middle + half)];
}

function normalInterval(values: readonly number[]): Interval {
  const middle = average(values);
  const sum = values.reduce((total, value) => total + (value - middle) ** 2, 0);
  const half = Z * Math.sqrt(sum / (values.length - 1) / values.length);
  return [middle - half, middle + half];
}

function drawnInterval<T>(
  items: readonly T[],
  value: (drawn: T[]) => number,
  stratum: (item: T) => string = () => '',
): Interval {
  const strata = [...groupBy(items, stratum).values()];
  const random = randomNumbers(SEED);
  const nDraws = Math.round(Math.min(MAX_DRAWS, Math.max(MIN_DRAWS, MAX_WORK / items.length)));
  const values: number[] = [];
  for (let i = 0; i < nDraws; i++) {
    const drawn = strata.flatMap((group) =>
      group.map(() => group[Math.floor(random() * group.length)]!),
    );
    values.push(value(drawn));
  }
  values.sort((a, b) => a - b);
  return [quantile(values, 0.025), quantile(values, 0.975)];
}

/** Between the two nearest of sorted values. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - low);
}
