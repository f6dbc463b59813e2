/** What a keyword is to the compiler: how a branch keeps it, and which choices keep its opposite. */
import type { LlavaError } from '../errors.js';
import type { Branch, Choice, PropertyGroup } from './branch.js';
import type { Term, TermPool } from './language.js';
import type { Moves } from './moves.js';
import { schemaError } from './schema-error.js';
import type { Literal, Schema, SchemaIndex } from './schema-index.js';

export interface Place {
  readonly schema: Schema;
  readonly keyword: string;
  readonly value: unknown;
  readonly index: SchemaIndex;
  readonly pool: TermPool;
  readonly moves: Moves;
  /** Properties of the schemas that have been read. */
  readonly groups: Map<Schema, PropertyGroup>;
  /** The term of a pattern, and of the names that a schema admits. */
  pattern(source: string): Term;
  /** Whether no value keeps all of these; false where that is not easily seen. */
  isEmpty(literals: readonly Literal[]): boolean;
  fail(message: string): LlavaError;
}

export interface Keyword {
  apply(branch: Branch, place: Place): void;
  /** Absent: the opposite cannot be said. No choices: the keyword forbids nothing. */
  negate?(place: Place): Choice[];
}

export function failAt(index: SchemaIndex, schema: Schema, keyword: string, message: string) {
  return schemaError(index.pointerOf(schema), keyword, message);
}

export function numberAt({ value, fail }: Place): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw fail('it has to be a number');
  return value;
}

export function countAt(place: Place): number {
  const value = numberAt(place);
  if (!Number.isInteger(value) || value < 0)
    throw place.fail('it has to be an integer of at least 0');
  return value;
}

export function listAt({ value, fail }: Place): readonly unknown[] {
  if (!Array.isArray(value)) throw fail('it has to be a list');
  return value;
}

export function namesAt(place: Place): readonly string[] {
  const list = listAt(place);
  if (!list.every((name): name is string => typeof name === 'string'))
    throw place.fail('it has to be a list of names');
  return list;
}

export function mapAt({ value, fail }: Place): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fail('it has to be an object');
  return value as Record<string, unknown>;
}

export function literalAt(place: Place, value: unknown = place.value): Literal {
  return place.index.literal(value, place.schema, place.keyword);
}
