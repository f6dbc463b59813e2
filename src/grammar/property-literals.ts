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

export function propertyLiterals(expander: NameRules, branch: Branch, name: string): Literal[] {
  const { moves } = expander;
  const literals = allGroups(expander, branch).flatMap((group) => {
    const named = group.names.get(name);
    const fitting = group.patterns.flatMap(([term, literal]) =>
      moves.admits(term, name) ? [literal] : [],
    );
    if (named !== undefined) return [named, ...fitting];
    return fitting.length > 0 ? fitting : [group.rest ?? ANYTHING];
  });
  const { names } = branch.object;
  if (names.length > 0 && !moves.admits(expander.nameTerm(names), name)) literals.push(NOTHING);
  return [...new Set(literals)].filter((literal) => literal !== ANYTHING);
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
