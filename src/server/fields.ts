/**
 * Fields of a request's JSON, read one by one: null counts as absent, a value of the wrong kind is a 400 that names the field.
 * Fields that nobody asks for are ignored.
 */
import { isRecord } from '../option-checks.js';
import { badRequest } from './api-error.js';

export interface Range {
  min: number;
  max: number;
  integer?: boolean;
}

export class Fields {
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /** @throws 400 unless `value` is an object. @param path of it within the body; '' for the body itself */
  constructor(value: unknown, path = '') {
    if (!isRecord(value)) throw wrong(path || null, 'an object', value);
    this.#record = value;
    this.#path = path;
  }

  /** Where the object itself stands within the body. */
  get place(): string {
    return this.#path;
  }

  /** The field's path within the body. */
  path(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#record, name) ? (this.#record[name] ?? undefined) : undefined;
  }

  number(name: string, { min, max, integer = false }: Range): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const fits = typeof value === 'number' && (!integer || Number.isInteger(value));
    if (fits && value >= min && value <= max) return value;
    const kind = integer ? 'an integer' : 'a number';
    throw wrong(this.path(name), `${kind} from ${min} to ${max}`, value);
  }

  flag(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw wrong(this.path(name), 'true or false', value);
  }

  text(
    name: string,
    { max = Number.POSITIVE_INFINITY }: { max?: number } = {},
  ): string | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw wrong(this.path(name), 'a text', value);
    if (value.length <= max) return value;
    throw wrong(this.path(name), `a text of at most ${max} characters`, value);
  }

  choice<T extends string>(name: string, of: readonly T[]): T | undefined {
    const value = this.value(name);
    if (value === undefined || of.includes(value as T)) return value as T | undefined;
    throw wrong(this.path(name), `one of ${of.join(', ')}`, value);
  }

  list(
    name: string,
    { max = Number.POSITIVE_INFINITY }: { max?: number } = {},
  ): unknown[] | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw wrong(this.path(name), 'an array', value);
    if (value.length <= max) return value;
    throw wrong(this.path(name), `an array of at most ${max}`, value);
  }

  /** The field as an object of its own. */
  object(name: string): Fields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new Fields(value, this.path(name));
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#record);
  }
}

/** 400: what was expected, what arrived. */
export function wrong(param: string | null, expected: string, received: unknown) {
  const subject = param === null ? 'The body' : `'${param}'`;
  return badRequest(param, `${subject} has to be ${expected}, not ${brief(received)}.`);
}

function brief(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isRecord(value)) return 'an object';
  if (typeof value !== 'string') return value === undefined ? 'absent' : String(value);
  return value.length > 40 ? `a text of ${value.length} characters` : JSON.stringify(value);
}
