/** Keywords of any value: types, given values, references and the logic between schemas. */
import {
  ANY_TYPE,
  ARRAY,
  type Branch,
  type Choice,
  FALSE,
  NULL,
  NUMBER,
  OBJECT,
  STRING,
  TRUE,
} from './branch.js';
import { type Keyword, listAt, literalAt, type Place } from './keyword.js';
import { oneOf as oneOfNumbers } from './number-facts.js';
import { isSchemaError } from './schema-error.js';
import type { Literal, Schema } from './schema-index.js';

const TYPES: Readonly<Record<string, number>> = {
  null: NULL,
  boolean: FALSE | TRUE,
  number: NUMBER,
  integer: NUMBER,
  string: STRING,
  array: ARRAY,
  object: OBJECT,
};

function typesAt(place: Place): { types: number; isInteger: boolean } {
  const { value } = place;
  const names: unknown[] = Array.isArray(value) ? value : [value];
  let types = 0;
  for (const name of names) {
    const type = typeof name === 'string' && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    if (!type)
      throw place.fail(
        `${JSON.stringify(name)} is no type; there are ${Object.keys(TYPES).join(', ')}`,
      );
    types |= type;
  }
  return { types, isInteger: names.includes('integer') && !names.includes('number') };
}

const type: Keyword = {
  apply(branch, place) {
    const { types, isInteger } = typesAt(place);
    branch.only(types);
    if (isInteger) branch.number.isInteger = true;
  },
  negate(place) {
    const { types, isInteger } = typesAt(place);
    const others: Choice = (branch) => branch.only(ANY_TYPE & ~types);
    const fractions: Choice = (branch) => {
      branch.only(NUMBER);
      branch.number.isFraction = true;
    };
    return isInteger ? [others, fractions] : [others];
  },
};

/** Objects and arrays among given values are schemas that only they keep. */
const asSchemas = new WeakMap<object, Schema>();

function schemaOfValue(value: object): Schema {
  let schema = asSchemas.get(value);
  if (!schema) {
    schema = Array.isArray(value)
      ? {
          type: 'array',
          prefixItems: value.map((item) => ({ const: item })),
          minItems: value.length,
          maxItems: value.length,
        }
      : {
          type: 'object',
          properties: Object.fromEntries(
            Object.entries(value).map(([name, item]) => [name, { const: item }]),
          ),
          required: Object.keys(value),
          additionalProperties: false,
        };
    asSchemas.set(value, schema);
  }
  return schema;
}

function keepScalars(branch: Branch, values: readonly unknown[], place: Place): void {
  let types = 0;
  if (values.includes(null)) types |= NULL;
  if (values.includes(false)) types |= FALSE;
  if (values.includes(true)) types |= TRUE;
  const numbers = values.filter((value): value is number => typeof value === 'number');
  const words = values.filter((value): value is string => typeof value === 'string');
  if (numbers.length > 0) types |= NUMBER;
  if (words.length > 0) types |= STRING;
  branch.only(types);
  if (numbers.length > 0) oneOfNumbers(branch.number, numbers);
  if (words.length > 0) branch.string.terms.push(place.document.pool.words(wellFormed(words)));
}

/** Half surrogates cannot be written, so such a word is no answer. */
function wellFormed(words: readonly string[]): string[] {
  return words.filter((word) => !/\p{Surrogate}/u.test(word));
}

function keepValues(branch: Branch, values: readonly unknown[], place: Place): void {
  const isComposite = (value: unknown): value is object =>
    typeof value === 'object' && value !== null;
  const composites = values.filter(isComposite);
  const scalars = values.filter((value) => !isComposite(value));
  const choices = composites.map((value): Choice => {
    return (other) => other.assume(literalAt(place, schemaOfValue(value)));
  });
  if (scalars.length > 0) choices.unshift((other) => keepScalars(other, scalars, place));
  if (choices.length === 0) branch.only(0);
  else branch.choose(choices);
}

/** No choice: every one of the values is left out. */
function avoidValues(values: readonly unknown[], place: Place): Choice[] {
  const { pool } = place.document;
  return [
    (branch) => {
      const words: string[] = [];
      for (const value of values) {
        if (value === null) branch.only(ANY_TYPE & ~NULL);
        else if (typeof value === 'boolean') branch.only(ANY_TYPE & ~(value ? TRUE : FALSE));
        else if (typeof value === 'number') branch.number.notValues.push(value);
        else if (typeof value === 'string') words.push(value);
        else branch.assume(literalAt(place, schemaOfValue(value as object)) ^ 1);
      }
      if (words.length > 0) branch.string.terms.push(pool.not(pool.words(wellFormed(words))));
    },
  ];
}

const enumeration: Keyword = {
  apply: (branch, place) => keepValues(branch, listAt(place), place),
  negate: (place) => avoidValues(listAt(place), place),
};

const constant: Keyword = {
  apply: (branch, place) => keepValues(branch, [place.value], place),
  negate: (place) => avoidValues([place.value], place),
};

const assuming = (...literals: Literal[]): Choice => {
  return (branch) => {
    for (const literal of literals) branch.assume(literal);
  };
};

function literalsAt(place: Place): Literal[] {
  const literals = listAt(place).map((value) => literalAt(place, value));
  if (literals.length === 0) throw place.fail('it has to be a list of schemas');
  return literals;
}

const allOf: Keyword = {
  apply: (branch, place) => assuming(...literalsAt(place))(branch),
  negate: (place) => literalsAt(place).map((literal) => assuming(literal ^ 1)),
};

const anyOf: Keyword = {
  apply: (branch, place) => branch.choose([...new Set(literalsAt(place))].map((l) => assuming(l))),
  negate: (place) => [assuming(...literalsAt(place).map((literal) => literal ^ 1))],
};

const oneOf: Keyword = {
  apply(branch, place) {
    const literals = literalsAt(place);
    branch.choose(
      literals.map((literal, i) => {
        const overlapping = literals.filter(
          (other, j) => i !== j && !place.document.isClearlyEmpty([literal, other]),
        );
        return (other) => {
          try {
            assuming(literal, ...overlapping.map((overlap) => overlap ^ 1))(other);
          } catch (error) {
            throw isSchemaError(error) ? place.fail(error.message) : error;
          }
        };
      }),
    );
  },
  negate(place) {
    const literals = literalsAt(place);
    const none = assuming(...literals.map((literal) => literal ^ 1));
    const two = literals.flatMap((a, i) => literals.slice(i + 1).map((b) => assuming(a, b)));
    return [none, ...two];
  },
};

const not: Keyword = {
  apply(branch, place) {
    // What is evaluated under "not" counts for nobody.
    branch.todo.push({ literal: literalAt(place) ^ 1, owners: [] });
  },
  negate: (place) => [assuming(literalAt(place))],
};

const conditional: Keyword = {
  apply(branch, place) {
    const [test, then, otherwise] = partsOfIf(place);
    if (then === 0 && otherwise === 0) return;
    branch.choose([assuming(test, then), assuming(test ^ 1, otherwise)]);
  },
  negate(place) {
    const [test, then, otherwise] = partsOfIf(place);
    return [assuming(test, then ^ 1), assuming(test ^ 1, otherwise ^ 1)];
  },
};

function partsOfIf({ schema, index }: Place): [Literal, Literal, Literal] {
  const part = (keyword: string) => index.literal(schema[keyword] ?? true, schema, keyword);
  return [part('if'), part('then'), part('else')];
}

const reference: Keyword = {
  apply(branch, { index, value, schema, keyword }) {
    branch.assume(index.resolve(value, schema, keyword));
  },
  negate: ({ index, value, schema, keyword }) => [
    assuming(index.resolve(value, schema, keyword) ^ 1),
  ],
};

const recursiveReference: Keyword = {
  apply(_, place) {
    throw place.fail('write "$ref" with a name under "$defs"');
  },
};

export const LOGIC_KEYWORDS: Readonly<Record<string, Keyword>> = {
  type,
  enum: enumeration,
  const: constant,
  $ref: reference,
  $dynamicRef: reference,
  $recursiveRef: recursiveReference,
  allOf,
  anyOf,
  oneOf,
  not,
  if: conditional,
};
