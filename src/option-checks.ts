/** The validators of every public option: each throws ERR_INVALID_ARGUMENT naming the option, what was expected, what arrived. */
import { invalidArgument, LlavaError } from './errors.js';

export interface NumberRange {
  min: number;
  max: number;
  integer?: boolean;
  /** The lower bound itself is refused. */
  aboveMin?: boolean;
}

/** Runs a check. A value that cannot be looked at, as a revoked proxy or one with a getter that throws, is refused too. */
export function readable<T>(name: string, value: unknown, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof LlavaError) throw error;
    throw invalidArgument(name, `what can be read (${messageOf(error)})`, value);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it throws';
}

/** Refuses unknown keys too: a misspelt option would otherwise silently do nothing. @returns a copy */
export function checkOptions<T extends object>(
  name: string,
  options: unknown,
  known: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T;
  return readable(name, options, () => {
    if (!isRecord(options)) throw invalidArgument(name, 'an object of options', options);
    for (const key of Object.keys(options)) {
      if (!known.includes(key as keyof T & string)) {
        throw invalidArgument(`${name}.${key}`, `one of ${known.join(', ')} as an option`, key);
      }
    }
    const given = known.map((key) => [key, options[key]] as const);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as T;
  });
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
  const isSignal = readable(name, value, () => value instanceof AbortSignal);
  if (value !== undefined && !isSignal) throw invalidArgument(name, 'an AbortSignal', value);
  return value as AbortSignal | undefined;
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
