/** What a keyword is to the compiler: how a branch keeps it, and which choices keep its opposite. */
import type { LlavaError } from '../errors.js';
import type { Branch, Choice, PropertyGroup } from './branch.js';
import type { Term, TermPool } from './language.js';
import type { Moves } from './moves.js';
import { schemaError } from './schema-error.js';
import type { Literal, Schema, SchemaIndex } from './schema-index.js';

/** What is known of the document. */
export interface Document {
  readonly index: SchemaIndex;
  readonly pool: TermPool;
  readonly moves: Moves;
  /** Properties of the schemas that have been read. */
  readonly groups: Map<Schema, PropertyGroup>;
  /** The term of a pattern that stands at a place. */
  pattern(source: string, place: Place): Term;
  /** Whether no value keeps all of these; false where that is not easily seen. */
  isClearlyEmpty(literals: readonly Literal[]): boolean;
}

/** A keyword of a schema. One for each that is looked at: there are many. */
export class Place {
  constructor(
    readonly document: Document,
    readonly schema: Schema,
    readonly keyword: string,
    readonly value: unknown,
  ) {}

  get index(): SchemaIndex {
    return this.document.index;
  }

  /** Another value, or keyword, of the same schema. */
  with(value: unknown, keyword = this.keyword): Place {
    return new Place(this.document, this.schema, keyword, value);
  }

  fail(message: string): LlavaError {
    return schemaError(this.index.pointerOf(this.schema), this.keyword, message);
  }
}

export interface Keyword {
  apply(branch: Branch, place: Place): void;
  /** Absent: the opposite cannot be said. No choices: the keyword forbids nothing. */
  negate?(place: Place): Choice[];
}

export function numberAt(place: Place): number {
  const { value } = place;
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw place.fail('it has to be a number');
  return value;
}

export function countAt(place: Place): number {
  const value = numberAt(place);
  if (!Number.isInteger(value) || value < 0)
    throw place.fail('it has to be an integer of at least 0');
  return value;
}

export function listAt(place: Place): readonly unknown[] {
  if (!Array.isArray(place.value)) throw place.fail('it has to be a list');
  return place.value;
}

export function namesAt(place: Place): readonly string[] {
  const list = listAt(place);
  if (!list.every((name): name is string => typeof name === 'string'))
    throw place.fail('it has to be a list of names');
  return list;
}

export function mapAt(place: Place): Readonly<Record<string, unknown>> {
  const { value } = place;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw place.fail('it has to be an object');
  return value as Record<string, unknown>;
}

export function literalAt(place: Place, value: unknown = place.value): Literal {
  return place.index.literal(value, place.schema, place.keyword);
}
