/**
 * Objects: named properties in the order of the schema, those that only a pattern or nothing names behind them.
 * Names that repeat are told apart by no grammar, so properties without a name of their own count once towards
 * "minProperties".
 */
import type { Branch, PropertyGroup } from './branch.js';
import type { Alternative } from './gbnf.js';
import type { Term, TermPool } from './language.js';
import { allGroups, propertyLiterals } from './property-literals.js';
import { ANYTHING, conjunction, type Literal, NOTHING } from './schema-index.js';
import { literal } from './terminals.js';
import { type Members, type Pair, writeMembers } from './write-members.js';
import type { Writing } from './writing.js';

const MAX_COUNTED = 200;
/** llama.cpp follows properties that may be left out by recursion. */
const MAX_NAMED = 3_000;

export function writeObjects(
  writer: Writing,
  hint: string,
  branches: readonly Branch[],
): Alternative[] {
  const ways = branches.map((branch) => membersOf(writer, hint, branch));
  return writeMembers(writer.builder, writer.space, `${hint}-members`, ways);
}

function membersOf(writer: Writing, hint: string, branch: Branch): Members {
  const { min, max, minSchema } = branch.object;
  const pairs = namedPairs(writer, branch);
  const others = otherPairs(writer, hint, branch, new Set(pairs.keys()));
  const named = [...pairs.values()].filter((pair) => pair !== undefined);
  if (named.length + (others.length > 0 ? 1 : 0) < min && others.length > 0) {
    throw writer.fail(
      minSchema,
      'minProperties',
      'names that are free could repeat; name the properties, or ask for one at most',
    );
  }
  if (pairs.size > MAX_NAMED)
    throw writer.fail(undefined, 'properties', `an object can have up to ${MAX_NAMED} of them`);
  const isCounted = min > 1 || max < Number.POSITIVE_INFINITY;
  if (isCounted && Math.min(max, named.length + 1) > MAX_COUNTED) {
    throw writer.fail(minSchema, 'minProperties', `it is counted up to ${MAX_COUNTED}`);
  }
  return { named, others, min, max };
}

/** Named properties in order; undefined for those that cannot be there. */
function namedPairs(writer: Writing, branch: Branch): Map<string, Pair | undefined> {
  const { required } = branch.object;
  const names = new Set<string>();
  const groups = allGroups(writer.expander, branch);
  for (const group of groups) for (const name of group.names.keys()) names.add(name);
  for (const name of required) names.add(name);
  const pairs = new Map<string, Pair | undefined>();
  for (const name of names) {
    const literals = propertyLiterals(writer.expander, branch, name, groups);
    if (literals.includes(NOTHING)) {
      pairs.set(name, undefined);
      continue;
    }
    const start = nameOf(writer, name);
    if (!start) continue;
    const value = writer.value(name, literals);
    pairs.set(name, { symbols: [...start, writer.space, value], isRequired: required.has(name) });
  }
  return pairs;
}

/** Undefined for a name with half a surrogate pair, which cannot be written. */
function nameOf({ text, expander }: Writing, name: string): Alternative | undefined {
  if (/^[ !#-[\]-~]*$/.test(name)) return [literal(`"${name}":`)];
  if (/\p{Surrogate}/u.test(name)) return undefined;
  return [text.string('name', expander.pool.words([name]))!, literal(':')];
}

/** One pair for each kind of other names, kinds being told apart by the patterns that they fit. */
function otherPairs(
  writer: Writing,
  hint: string,
  branch: Branch,
  named: ReadonlySet<string>,
): Alternative[] {
  const { expander } = writer;
  const { pool } = expander;
  const groups = allGroups(expander, branch).flatMap((group) => merged(pool, group));
  const patterns = [...new Set(groups.flatMap((group) => group.patterns.map(([term]) => term)))];
  if (patterns.length === 0 && branch.object.names.length === 0) {
    const literals = otherLiterals(groups, new Set());
    if (literals.includes(NOTHING)) return [];
    const key =
      named.size > 0
        ? writer.text.otherThan(pool.trees.of(named))
        : writer.text.anyString(0, Number.POSITIVE_INFINITY);
    return [[key, ...valueBehind(writer, hint, literals)]];
  }
  return pairsByPattern(writer, hint, branch, { groups, patterns, named });
}

type PatternGroup = Pick<PropertyGroup, 'patterns' | 'rest'>;

/** Patterns that ask for the same are one; a group that asks nothing of other names is none. */
function merged(pool: TermPool, { patterns, rest }: PropertyGroup): PatternGroup[] {
  if (patterns.length === 0 && (rest ?? ANYTHING) === ANYTHING) return [];
  if (patterns.length < 2) return [{ patterns, rest }];
  const terms = new Map<Literal, Term[]>();
  for (const [term, literal] of patterns) terms.set(literal, [...(terms.get(literal) ?? []), term]);
  return [{ patterns: [...terms].map(([l, some]) => [pool.choice(...some), l] as const), rest }];
}

interface Naming {
  readonly groups: readonly PatternGroup[];
  readonly patterns: readonly Term[];
  readonly named: ReadonlySet<string>;
}

function pairsByPattern(
  writer: Writing,
  hint: string,
  branch: Branch,
  { groups, patterns, named }: Naming,
): Alternative[] {
  const { pool } = writer.expander;
  const kinds: (readonly Literal[])[] = [];
  const numbers = new Map<string, number>();
  const kindOf = (fits: readonly boolean[]): number | undefined => {
    const literals = otherLiterals(groups, new Set(patterns.filter((_, i) => fits[i])));
    if (literals.includes(NOTHING)) return undefined;
    const key = literals.join();
    let kind = numbers.get(key);
    if (kind === undefined) {
      kind = kinds.push(literals) - 1;
      numbers.set(key, kind);
    }
    return kind;
  };
  // Whatever its patterns say, a name that has to be among those of a group is none of the others.
  if (groups.some((group) => group.patterns.length === 0 && group.rest === NOTHING)) return [];
  const terms = [writer.expander.nameTerm(branch.object.names)];
  if (named.size > 0) terms.push(pool.not(pool.words([...named])));
  // Names that fit no pattern need not be followed where they are forbidden.
  if (kindOf(patterns.map(() => false)) === undefined) terms.push(pool.choice(...patterns));
  const meaning = groups.map((group) => [
    group.rest ?? ANYTHING,
    group.patterns.map(([term, l]) => [patterns.indexOf(term), l]),
  ]);
  const pair = writer.bounded(undefined, 'patternProperties', () =>
    writer.text.kinds(
      'key',
      JSON.stringify(meaning),
      { term: pool.both(...terms), parts: patterns, kindOf },
      (kind) => valueBehind(writer, hint, kinds[kind]!),
    ),
  );
  return pair === undefined ? [] : [[pair]];
}

function valueBehind(writer: Writing, hint: string, literals: readonly Literal[]): Alternative {
  return [literal(':'), writer.space, writer.value(`${hint}-value`, literals)];
}

function otherLiterals(
  groups: readonly PatternGroup[],
  fitting: ReadonlySet<Term>,
): readonly Literal[] {
  const literals = groups.flatMap(({ patterns, rest }) => {
    const own = patterns.flatMap(([term, l]) => (fitting.has(term) ? [l] : []));
    return own.length > 0 ? own : [rest ?? ANYTHING];
  });
  return conjunction(literals);
}
