/**
 * One way to keep a conjunction of schemas: everything that is known of the value, for each JSON type that it may
 * still have. Keywords (keywords-*.ts) add to it; where there is a choice, they leave one, and expand.ts follows
 * every choice in a copy.
 */
import type { Term } from './language.js';
import { anyNumber, copyNumber, type NumberFacts } from './number-facts.js';
import { ANYTHING, type Literal, NOTHING, type Schema } from './schema-index.js';

export const NULL = 1;
export const FALSE = 2;
export const TRUE = 4;
export const NUMBER = 8;
export const STRING = 16;
export const ARRAY = 32;
export const OBJECT = 64;
export const ANY_TYPE = 127;

/** What one schema says of properties: those it does not name are its `rest`. */
export interface PropertyGroup {
  readonly names: ReadonlyMap<string, Literal>;
  readonly patterns: readonly (readonly [Term, Literal])[];
  readonly rest: Literal | undefined;
  readonly owners: readonly Schema[];
}

export interface ItemGroup {
  readonly prefix: readonly Literal[];
  readonly rest: Literal | undefined;
  readonly owners: readonly Schema[];
}

export interface Containing {
  readonly literal: Literal;
  readonly min: number;
  readonly max: number;
  readonly schema: Schema;
}

export interface ObjectFacts {
  groups: PropertyGroup[];
  required: Set<string>;
  names: Literal[];
  min: number;
  max: number;
  /** Who asked for `min`. */
  minSchema: Schema | undefined;
}

export interface ArrayFacts {
  groups: ItemGroup[];
  min: number;
  max: number;
  containing: Containing[];
  uniqueSchema: Schema | undefined;
}

export interface StringFacts {
  min: number;
  max: number;
  terms: Term[];
  schema: Schema | undefined;
}

export type Choice = (branch: Branch) => void;

/** A literal to be kept, and the schemas with "unevaluated…" in whose place it stands. */
export interface Assumption {
  readonly literal: Literal;
  readonly owners: readonly Schema[];
}

const NOBODY: ReadonlySet<Schema> = new Set();

export class Branch {
  types = ANY_TYPE;
  number: NumberFacts = anyNumber();
  /** Whose numbers these are, for errors. */
  numberSchema: Schema | undefined;
  string: StringFacts = { min: 0, max: Number.POSITIVE_INFINITY, terms: [], schema: undefined };
  array: ArrayFacts = {
    groups: [],
    min: 0,
    max: Number.POSITIVE_INFINITY,
    containing: [],
    uniqueSchema: undefined,
  };
  object: ObjectFacts = {
    groups: [],
    required: new Set(),
    names: [],
    min: 0,
    max: Number.POSITIVE_INFINITY,
    minSchema: undefined,
  };
  /** Schemas with "unevaluatedProperties" or "unevaluatedItems". */
  unevaluated: Schema[] = [];
  todo: Assumption[] = [];
  splits: Choice[][] = [];
  /** Owners of the assumption that is being worked on. */
  owners: readonly Schema[] = [];
  private seen = new Map<Literal, ReadonlySet<Schema>>();

  copy(): Branch {
    const copy = new Branch();
    copy.types = this.types;
    copy.number = copyNumber(this.number);
    copy.numberSchema = this.numberSchema;
    copy.string = { ...this.string, terms: [...this.string.terms] };
    const { array, object } = this;
    copy.array = { ...array, groups: [...array.groups], containing: [...array.containing] };
    copy.object = {
      ...object,
      groups: [...object.groups],
      required: new Set(object.required),
      names: [...object.names],
    };
    copy.unevaluated = [...this.unevaluated];
    copy.todo = [...this.todo];
    copy.splits = [...this.splits];
    copy.owners = this.owners;
    copy.seen = new Map(this.seen);
    return copy;
  }

  get isDead(): boolean {
    return this.types === 0;
  }

  /** Also keeps `literal`, which stands in place of the schema that is being worked on. */
  assume(literal: Literal): void {
    this.todo.push({ literal, owners: this.owners });
  }

  /** One of the choices, each with the owners of now. */
  choose(choices: readonly Choice[]): void {
    const owners = this.owners;
    if (choices.length === 1) choices[0]!(this);
    else {
      this.splits.push(
        choices.map((choice) => (branch) => {
          branch.owners = owners;
          choice(branch);
        }),
      );
    }
  }

  only(types: number): void {
    this.types &= types;
  }

  /** Whether the assumption says something new; its opposite ends the branch. */
  isNew({ literal, owners }: Assumption): boolean {
    if (literal === ANYTHING) return false;
    if (literal === NOTHING || this.seen.has(literal ^ 1)) {
      this.types = 0;
      return false;
    }
    const known = this.seen.get(literal);
    if (known && owners.every((owner) => known.has(owner))) return false;
    this.seen.set(
      literal,
      owners.length === 0 ? (known ?? NOBODY) : new Set([...(known ?? []), ...owners]),
    );
    return true;
  }

  property(name: string, literal: Literal): void {
    this.object.groups.push({
      names: new Map([[name, literal]]),
      patterns: [],
      rest: undefined,
      owners: [],
    });
  }
}
