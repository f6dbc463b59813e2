/** The validators of every public option: each throws ERR_INVALID_ARGUMENT naming the option, what was expected, what arrived. */
import { invalidArgument } from './errors.js';

export interface NumberRange {
  min: number;
  max: number;
  integer?: boolean;
  /** The lower bound itself is refused. */
  aboveMin?: boolean;
}

/** Refuses unknown keys too: a misspelt option would otherwise silently do nothing. */
export function checkOptions<T extends object>(
  name: string,
  options: unknown,
  known: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument(name, 'an object of options', options);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key as keyof T & string)) {
      throw invalidArgument(`${name}.${key}`, `one of ${known.join(', ')} as an option`, key);
    }
  }
  return options as T;
}

/** The keys of an options type, complete because the compiler wants each. */
export function optionNames<T>(names: Record<keyof T, true>): (keyof T & string)[] {
  return Object.keys(names) as (keyof T & string)[];
}

/** A finite number in the range, or `fallback` when absent. */
export function checkNumber<F>(
  name: string,
  value: unknown,
  range: NumberRange & { fallback: F },
): number | F {
  if (value === undefined) return range.fallback;
  const { min, max, integer = false, aboveMin = false } = range;
  const fits =
    typeof value === 'number' &&
    (integer ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    (aboveMin ? value > min : value >= min) &&
    value <= max;
  if (fits) return value;
  const kind = integer ? 'an integer' : 'a number';
  const lower = aboveMin ? `above ${min}` : `from ${min}`;
  throw invalidArgument(name, `${kind} ${lower} to ${max}`, value);
}

export function checkBoolean(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw invalidArgument(name, 'true or false', value);
  return value;
}

export function checkChoice<T extends string, F extends T | undefined>(
  name: string,
  value: unknown,
  choice: { of: readonly T[]; fallback: F },
): T | F {
  if (value === undefined) return choice.fallback;
  if (!choice.of.includes(value as T)) {
    throw invalidArgument(name, `one of ${choice.of.join(', ')}`, value);
  }
  return value as T;
}

export function checkPath(
  name: string,
  value: unknown,
  expected = 'the path of a GGUF file',
): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw invalidArgument(name, expected, value);
  }
  return value;
}

export function checkFunction<T>(name: string, value: T): T {
  if (value !== undefined && typeof value !== 'function') {
    throw invalidArgument(name, 'a function', value);
  }
  return value;
}

export function checkSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw invalidArgument(name, 'an AbortSignal', value);
  }
  return value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a JSON text; undefined if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
