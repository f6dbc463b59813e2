/** What a property has to keep: by its name, by the patterns that its name fits, or else as one of the rest. */
import type { Branch, PropertyGroup } from './branch.js';
import type { Term, TermPool } from './language.js';
import type { Moves } from './moves.js';
import { ANYTHING, type Literal, NOTHING, type Schema, type SchemaIndex } from './schema-index.js';

export interface NameRules {
  readonly pool: TermPool;
  readonly moves: Moves;
  readonly index: SchemaIndex;
  /** The names that all of `literals` admit as texts. */
  nameTerm(literals: readonly Literal[]): Term;
  /** All that is known of a text, its length too. */
  textTerm(facts: Branch['string']): Term;
}

/** @param groups all of the branch. @throws TooManyStates */
export function propertyLiterals(
  expander: NameRules,
  branch: Branch,
  name: string,
  groups = allGroups(expander, branch),
): Literal[] {
  const { moves } = expander;
  moves.pool.look(groups.length);
  const literals: Literal[] = [];
  for (let i = 0; i < groups.length; i++) {
    const { names, patterns, rest } = groups[i]!;
    const named = names.get(name);
    let isRest = named === undefined;
    if (named !== undefined) keep(literals, named);
    for (let j = 0; j < patterns.length; j++) {
      if (!moves.admits(patterns[j]![0], name)) continue;
      isRest = false;
      keep(literals, patterns[j]![1]);
    }
    if (isRest && rest !== undefined) keep(literals, rest);
  }
  const { names } = branch.object;
  if (names.length > 0 && !moves.admits(expander.nameTerm(names), name)) keep(literals, NOTHING);
  return literals;
}

function keep(literals: Literal[], literal: Literal): void {
  if (literal !== ANYTHING && !literals.includes(literal)) literals.push(literal);
}

/** The groups, and one for each "unevaluatedProperties": whatever no schema in its place has looked at. */
export function allGroups(expander: NameRules, branch: Branch): PropertyGroup[] {
  const groups = branch.object.groups;
  if (branch.unevaluated.length === 0) return groups;
  const added = branch.unevaluated.flatMap((owner) => {
    if (owner.unevaluatedProperties === undefined) return [];
    return restGroup(
      expander,
      groups.filter(({ owners }) => owners.includes(owner)),
      owner,
    );
  });
  return [...groups, ...added];
}

function restGroup(
  { index }: NameRules,
  groups: readonly PropertyGroup[],
  owner: Schema,
): PropertyGroup[] {
  if (groups.some(({ rest }) => rest !== undefined)) return [];
  const keyword = 'unevaluatedProperties';
  return [
    {
      names: new Map(
        groups.flatMap(({ names }) => [...names.keys()].map((name) => [name, ANYTHING])),
      ),
      patterns: groups.flatMap(({ patterns }) =>
        patterns.map(([term]) => [term, ANYTHING] as const),
      ),
      rest: index.literal(owner[keyword], owner, keyword),
      owners: [],
    },
  ];
}
