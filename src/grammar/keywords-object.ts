/** Keywords of objects. */
import { type Branch, type Choice, OBJECT, type PropertyGroup } from './branch.js';
import { countAt, type Keyword, literalAt, mapAt, namesAt, type Place } from './keyword.js';
import type { Term } from './language.js';
import { ANYTHING, type Literal, NOTHING } from './schema-index.js';

const onlyObject = (change: Choice): Choice => {
  return (branch) => {
    branch.only(OBJECT);
    change(branch);
  };
};

/** properties, patternProperties and additionalProperties of one schema are one group. */
const OF_A_GROUP = ['properties', 'patternProperties', 'additionalProperties'];

function groupOf(place: Place, owners: PropertyGroup['owners']): PropertyGroup {
  const { groups } = place.document;
  let group = groups.get(place.schema);
  if (!group) {
    group = readGroup(place);
    groups.set(place.schema, group);
  }
  return { ...group, owners };
}

function readGroup(place: Place): PropertyGroup {
  const { schema, index } = place;
  const at = (keyword: string) => place.with(schema[keyword] ?? {}, keyword);
  const named = Object.entries(mapAt(at('properties'))).map(
    ([name, value]) => [name, index.literal(value, schema, 'properties')] as const,
  );
  const patterns = Object.entries(mapAt(at('patternProperties'))).map(
    ([source, value]) =>
      [
        namePattern(source, at('patternProperties')),
        index.literal(value, schema, 'patternProperties'),
      ] as const,
  );
  const rest = schema.additionalProperties;
  return {
    names: new Map(named),
    patterns,
    rest: rest === undefined ? undefined : index.literal(rest, schema, 'additionalProperties'),
    owners: [],
  };
}

/** Names that look around overlap with all others: what may stand behind each such name takes too long to tell. */
function namePattern(source: string, place: Place): Term {
  if (/(?<!\\)\(\?<?[=!]/.test(source)) {
    throw place.fail(`${JSON.stringify(source)} has a look-around; write the names without it`);
  }
  return place.document.pattern(source, place);
}

function applyGroup(branch: Branch, place: Place): void {
  const first = OF_A_GROUP.find((keyword) => place.schema[keyword] !== undefined);
  if (place.keyword === first) branch.object.groups.push(groupOf(place, branch.owners));
}

const required = (name: string): Choice => {
  return onlyObject((branch) => branch.object.required.add(name));
};

const properties: Keyword = {
  apply: applyGroup,
  negate(place) {
    return Object.entries(mapAt(place)).map(([name, value]) =>
      onlyObject((branch) => {
        branch.object.required.add(name);
        branch.property(name, place.index.literal(value, place.schema, 'properties') ^ 1);
      }),
    );
  },
};

/**
 * The opposite of a rule about names: one of the names that other rules know is there, with a value that breaks it.
 * A name that no rule knows could break it, too; such objects are left out.
 */
function negateByName(place: Place, opposite: (name: string) => Literal | undefined): Choice[] {
  return [
    onlyObject((branch) => {
      const { groups, required: needed } = branch.object;
      const names = new Set([...groups.flatMap((group) => [...group.names.keys()]), ...needed]);
      const choices = [...names].flatMap((name): Choice[] => {
        const literal = opposite(name);
        if (literal === undefined) return [];
        return [
          (other) => {
            other.object.required.add(name);
            other.property(name, literal);
          },
        ];
      });
      const isClosed = groups.some(({ rest }) => rest === NOTHING);
      if (choices.length === 0 && !isClosed)
        throw place.fail('its opposite cannot be said: it needs a name that no rule has');
      if (choices.length === 0) branch.only(0);
      else branch.choose(choices);
    }),
  ];
}

const patternProperties: Keyword = {
  apply: applyGroup,
  negate(place) {
    return groupOf(place, []).patterns.flatMap(([term, literal]) =>
      negateByName(place, (name) =>
        place.document.moves.admits(term, name) ? literal ^ 1 : undefined,
      ),
    );
  },
};

const additionalProperties: Keyword = {
  apply: applyGroup,
  negate(place) {
    const rest = literalAt(place);
    if (rest === ANYTHING) return [];
    const { names, patterns } = groupOf(place, []);
    const { moves } = place.document;
    return negateByName(place, (name) => {
      const isNamed = names.has(name) || patterns.some(([term]) => moves.admits(term, name));
      return isNamed ? undefined : rest ^ 1;
    });
  },
};

const requiredNames: Keyword = {
  apply(branch, place) {
    for (const name of namesAt(place)) branch.object.required.add(name);
  },
  negate: (place) =>
    namesAt(place).map((name) => onlyObject((branch) => branch.property(name, NOTHING))),
};

const propertyNames: Keyword = {
  apply(branch, place) {
    branch.object.names.push(literalAt(place));
  },
};

const minProperties: Keyword = {
  apply({ object }, place) {
    const count = countAt(place);
    if (count <= object.min) return;
    object.min = count;
    object.minSchema = place.schema;
  },
  negate(place) {
    const most = countAt(place) - 1;
    if (most < 0) return [];
    return [
      onlyObject(({ object }) => {
        object.max = Math.min(object.max, most);
      }),
    ];
  },
};

const maxProperties: Keyword = {
  apply({ object }, place) {
    object.max = Math.min(object.max, countAt(place));
  },
  negate(place) {
    const least = countAt(place) + 1;
    return [
      onlyObject(({ object }) => {
        if (least <= object.min) return;
        object.min = least;
        object.minSchema = place.schema;
      }),
    ];
  },
};

type Dependency = { name: string; names: readonly string[]; literal: Literal };

/** What "dependencies", dependentRequired and dependentSchemas ask once `name` is there. */
function dependenciesAt(place: Place): Dependency[] {
  return Object.entries(mapAt(place)).map(([name, value]) => {
    const isList = Array.isArray(value) || typeof value === 'string';
    const names = isList ? namesAt(place.with([value].flat())) : [];
    return { name, names, literal: isList ? 0 : literalAt(place, value) };
  });
}

const dependencies: Keyword = {
  apply(branch, place) {
    for (const { name, names, literal } of dependenciesAt(place)) {
      const isAbsent: Choice = (other) => other.property(name, NOTHING);
      const isThere: Choice = onlyObject((other) => {
        for (const needed of [name, ...names]) other.object.required.add(needed);
        other.assume(literal);
      });
      if (names.length > 0 || literal !== 0) branch.choose([isAbsent, isThere]);
    }
  },
  negate: (place) =>
    dependenciesAt(place).flatMap(({ name, names, literal }): Choice[] => [
      ...names.map((needed) =>
        onlyObject((branch) => {
          required(name)(branch);
          branch.property(needed, NOTHING);
        }),
      ),
      ...(literal === 0
        ? []
        : [
            onlyObject((branch) => {
              required(name)(branch);
              branch.assume(literal ^ 1);
            }),
          ]),
    ]),
};

const unevaluatedProperties: Keyword = {
  apply(branch, { schema }) {
    branch.unevaluated.push(schema);
  },
};

export const OBJECT_KEYWORDS: Readonly<Record<string, Keyword>> = {
  properties,
  patternProperties,
  additionalProperties,
  required: requiredNames,
  propertyNames,
  minProperties,
  maxProperties,
  dependencies,
  dependentRequired: dependencies,
  dependentSchemas: dependencies,
  unevaluatedProperties,
};
