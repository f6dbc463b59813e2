/**
 * Options by a table, one check for each: unknown ones are refused, missing ones stay missing unless they are required, and
 * what the caller gets is a copy that later changes, or getters, do not reach.
 */
import { invalidArgument } from './errors.js';
import {
  checkFunction,
  checkNumber,
  checkOptions,
  checkPath,
  checkSignal,
  readable,
} from './option-checks.js';

/** @throws ERR_INVALID_ARGUMENT */
export type OptionCheck = (name: string, value: unknown) => unknown;

/** @throws ERR_INVALID_ARGUMENT */
export function checkTable<T extends object>(
  given: unknown,
  table: Readonly<Record<keyof T & string, OptionCheck>>,
  required: readonly (keyof T & string)[] = [],
): T {
  return readable('options', given, () => {
    const names = Object.keys(table) as (keyof T & string)[];
    const options = checkOptions<T>('options', given, names);
    for (const name of names)
      if (options[name] !== undefined || required.includes(name)) table[name](name, options[name]);
    return options;
  });
}

export const aPath: OptionCheck = (name, value) => checkPath(name, value, 'a path');

export const aFunction: OptionCheck = checkFunction;

export const aSignal: OptionCheck = checkSignal;

export const aFlag: OptionCheck = (name, value) => {
  if (typeof value !== 'boolean') throw invalidArgument(name, 'true or false', value);
};

export const aText: OptionCheck = (name, value) => {
  if (typeof value !== 'string' || value.includes('\0'))
    throw invalidArgument(name, 'a text', value);
};

export const aCount =
  (max: number): OptionCheck =>
  (name, value) =>
    checkNumber(name, value, { min: 1, max, integer: true, fallback: undefined });

/** Bytes of a file. */
export const aSize: OptionCheck = aCount(Number.MAX_SAFE_INTEGER);

/** @param where the choice holds, for the message */
export const aChoice =
  (of: readonly string[], where = ''): OptionCheck =>
  (name, value) => {
    if (!of.includes(value as string))
      throw invalidArgument(name, `one of ${of.join(', ')}${where}`, value);
  };

/** Checked where it is used. */
export const unchecked: OptionCheck = () => {};
