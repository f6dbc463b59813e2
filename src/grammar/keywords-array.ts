/** Keywords of arrays. A list under "items" is a prefix, as before 2020. */
import { ARRAY, type Branch, type Choice, type ItemGroup } from './branch.js';
import { countAt, type Keyword, listAt, literalAt, type Place } from './keyword.js';
import type { Literal } from './schema-index.js';

const onlyArray = (change: Choice): Choice[] => [
  (branch) => {
    branch.only(ARRAY);
    change(branch);
  },
];

const group = (branch: Branch, prefix: readonly Literal[], rest?: Literal): void => {
  const added: ItemGroup = { prefix, rest, owners: branch.owners };
  branch.array.groups.push(added);
};

/** Items before "items" or "additionalItems" begin. */
function prefixOf({ schema, index }: Place): Literal[] {
  const keyword = Array.isArray(schema.prefixItems) ? 'prefixItems' : 'items';
  const list = schema[keyword];
  return Array.isArray(list) ? list.map((item) => index.literal(item, schema, keyword)) : [];
}

/** The opposite of a list of items: one of them is there and differs. */
function negatePrefix(prefix: readonly Literal[]): Choice[] {
  return prefix.map((literal, i) => (branch: Branch) => {
    branch.only(ARRAY);
    branch.array.min = Math.max(branch.array.min, i + 1);
    branch.array.groups.push({
      prefix: [...prefix.slice(0, i).map(() => 0), literal ^ 1],
      rest: undefined,
      owners: [],
    });
  });
}

function negateRest(place: Place, rest: Literal): Choice[] {
  const prefix = prefixOf(place);
  if (rest === 1) {
    return onlyArray(({ array }) => {
      array.min = Math.max(array.min, prefix.length + 1);
    });
  }
  if (prefix.length > 0) throw place.fail('its opposite cannot be said beside a list of items');
  return onlyArray((branch) => {
    const { schema } = place;
    branch.array.containing.push({
      literal: rest ^ 1,
      min: 1,
      max: Number.POSITIVE_INFINITY,
      schema,
    });
  });
}

const items: Keyword = {
  apply(branch, place) {
    if (Array.isArray(place.value)) {
      const { schema, index } = place;
      const rest = schema.additionalItems;
      const literal =
        rest === undefined ? undefined : index.literal(rest, schema, 'additionalItems');
      group(branch, prefixOf(place), literal);
    } else
      group(
        branch,
        prefixOf(place).map(() => 0),
        literalAt(place),
      );
  },
  negate(place) {
    if (Array.isArray(place.value)) return negatePrefix(prefixOf(place));
    return negateRest(place, literalAt(place));
  },
};

const additionalItems: Keyword = {
  apply() {}, // with "items", without which it has no meaning
  negate(place) {
    if (!Array.isArray(place.schema.items)) return [];
    return negateRest(place, literalAt(place));
  },
};

const prefixItems: Keyword = {
  apply(branch, place) {
    listAt(place);
    group(branch, prefixOf(place));
  },
  negate: (place) => negatePrefix(prefixOf(place)),
};

const minItems: Keyword = {
  apply({ array }, place) {
    array.min = Math.max(array.min, countAt(place));
  },
  negate(place) {
    const most = countAt(place) - 1;
    if (most < 0) return [];
    return onlyArray(({ array }) => {
      array.max = Math.min(array.max, most);
    });
  },
};

const maxItems: Keyword = {
  apply({ array }, place) {
    array.max = Math.min(array.max, countAt(place));
  },
  negate(place) {
    const least = countAt(place) + 1;
    return onlyArray(({ array }) => {
      array.min = Math.max(array.min, least);
    });
  },
};

const contains: Keyword = {
  apply(branch, place) {
    const { schema } = place;
    const count = (keyword: string, other: number) =>
      schema[keyword] === undefined ? other : countAt(place.with(schema[keyword], keyword));
    const min = count('minContains', 1);
    const max = count('maxContains', Number.POSITIVE_INFINITY);
    if (min === 0 && max === Number.POSITIVE_INFINITY) return;
    branch.array.containing.push({ literal: literalAt(place), min, max, schema });
  },
  negate(place) {
    const { schema } = place;
    if (schema.minContains !== undefined || schema.maxContains !== undefined)
      throw place.fail('its opposite cannot be said beside minContains and maxContains');
    const literal = literalAt(place);
    return onlyArray((branch) => group(branch, [], literal ^ 1));
  },
};

const uniqueItems: Keyword = {
  apply({ array }, { value, schema }) {
    if (value === true) array.uniqueSchema ??= schema;
  },
  negate(place) {
    if (place.value !== true) return [];
    throw place.fail('its opposite cannot be said');
  },
};

const unevaluatedItems: Keyword = {
  apply(branch, { schema }) {
    branch.unevaluated.push(schema);
  },
};

const WITH_CONTAINS: Keyword = { apply() {}, negate: () => [] };

export const ARRAY_KEYWORDS: Readonly<Record<string, Keyword>> = {
  prefixItems,
  items,
  additionalItems,
  minItems,
  maxItems,
  contains,
  minContains: WITH_CONTAINS,
  maxContains: WITH_CONTAINS,
  uniqueItems,
  unevaluatedItems,
};
