/**
 * Objects: named properties in the order of the schema, those that only a pattern or nothing names behind them.
 * Names that repeat are told apart by no grammar, so properties without a name of their own count once towards
 * "minProperties".
 */
import type { Branch, PropertyGroup } from './branch.js';
import { type Alternative, literal } from './gbnf.js';
import type { Term } from './language.js';
import { allGroups, propertyLiterals } from './property-literals.js';
import { ANYTHING, type Literal, NOTHING } from './schema-index.js';
import type { Writing } from './writing.js';

const MAX_COUNTED = 200;
/** llama.cpp follows properties that may be left out by recursion. */
const MAX_NAMED = 3_000;
const STEP = 200;

interface Pair {
  readonly symbols: Alternative;
  readonly isRequired: boolean;
}

export function writeObject(writer: Writing, hint: string, branch: Branch): Alternative[] {
  const { min, max, minSchema } = branch.object;
  const named = namedPairs(writer, branch);
  const others = otherPairs(writer, hint, branch, new Set(named.keys()));
  const possible = [...named.values()].filter((pair) => pair !== undefined);
  if (possible.length + (others.length > 0 ? 1 : 0) < min && others.length > 0) {
    throw writer.fail(
      minSchema,
      'minProperties',
      'names that are free could repeat; name the properties, or ask for one at most',
    );
  }
  if (named.size > MAX_NAMED)
    throw writer.fail(undefined, 'properties', `an object can have up to ${MAX_NAMED} of them`);
  const isCounted = min > 1 || max < Number.POSITIVE_INFINITY;
  if (isCounted && Math.min(max, possible.length + 1) > MAX_COUNTED) {
    throw writer.fail(minSchema, 'minProperties', `it is counted up to ${MAX_COUNTED}`);
  }
  const first = new MemberRules(writer, hint, possible, others, min, max).first();
  return [[literal('{'), first]];
}

/** Rules for what may follow once `count` members stand before property `i`. */
class MemberRules {
  private readonly known = new Map<string, number>();
  private readonly most: number;
  private readonly hint: string;

  constructor(
    private readonly writer: Writing,
    hint: string,
    private readonly named: readonly Pair[],
    private readonly others: readonly Alternative[],
    private readonly min: number,
    private readonly max: number,
  ) {
    this.hint = `${hint}-members`;
    // Counts beyond which nothing changes.
    this.most = max === Number.POSITIVE_INFINITY ? Math.max(min, 1) : max;
  }

  /** Written from behind, in steps: one rule leads to the next by recursion. */
  first(): number {
    for (let i = this.named.length; i > 0; i -= STEP) {
      for (let count = 0; count <= Math.min(i, this.most); count++) this.from(i, count);
    }
    return this.from(0, 0);
  }

  private from(i: number, count: number): number {
    return this.remember(`${i} ${count}`, () => {
      const pair = this.named[i];
      if (!pair) return this.rest(count, count);
      const forms: Alternative[] = [];
      if (count < this.max) {
        forms.push([...this.comma(count), ...pair.symbols, this.from(i + 1, this.plusOne(count))]);
      }
      if (!pair.isRequired) forms.push([this.from(i + 1, count)]);
      return forms;
    });
  }

  /** @param counted members that surely differ; @param count all members. */
  private rest(counted: number, count: number): Alternative[] {
    const forms: Alternative[] = counted >= this.min ? [[literal('}')]] : [];
    if (count >= this.max || this.others.length === 0) return forms;
    const isMore = counted === count || this.max === Number.POSITIVE_INFINITY;
    const sure = isMore ? this.plusOne(counted) : counted;
    const next = this.more(sure, this.plusOne(count));
    for (const pair of this.others) forms.push([...this.comma(count), ...pair, next]);
    return forms;
  }

  private more(counted: number, count: number): number {
    return this.remember(`more ${counted} ${count}`, () => {
      const forms: Alternative[] = counted >= this.min ? [[literal('}')]] : [];
      if (count >= this.max) return forms;
      const next = this.more(counted, this.plusOne(count));
      for (const pair of this.others) forms.push([...this.comma(count), ...pair, next]);
      return forms;
    });
  }

  private remember(key: string, write: () => Alternative[]): number {
    let rule = this.known.get(key);
    if (rule === undefined) {
      rule = this.writer.builder.declare(this.hint);
      this.known.set(key, rule);
      this.writer.builder.define(rule, write());
    }
    return rule;
  }

  private comma(count: number): Alternative {
    return count > 0 ? [literal(','), this.writer.space] : [];
  }

  private plusOne(count: number): number {
    return Math.min(count + 1, this.most);
  }
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
  const groups = allGroups(expander, branch);
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

interface Naming {
  readonly groups: readonly PropertyGroup[];
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
  const kinds: Literal[][] = [];
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
  const terms = [writer.expander.nameTerm(branch.object.names)];
  if (named.size > 0) terms.push(pool.not(pool.words([...named])));
  // Names that fit no pattern need not be followed where they are forbidden.
  if (kindOf(patterns.map(() => false)) === undefined) terms.push(pool.choice(...patterns));
  const pair = writer.bounded(undefined, 'patternProperties', () =>
    writer.text.kinds('key', { term: pool.both(...terms), parts: patterns, kindOf }, (kind) =>
      valueBehind(writer, hint, kinds[kind]!),
    ),
  );
  return pair === undefined ? [] : [[pair]];
}

function valueBehind(writer: Writing, hint: string, literals: readonly Literal[]): Alternative {
  return [literal(':'), writer.space, writer.value(`${hint}-value`, literals)];
}

function otherLiterals(groups: readonly PropertyGroup[], fitting: ReadonlySet<Term>): Literal[] {
  const literals = groups.flatMap(({ patterns, rest }) => {
    const own = patterns.flatMap(([term, l]) => (fitting.has(term) ? [l] : []));
    return own.length > 0 ? own : [rest ?? ANYTHING];
  });
  return [...new Set(literals)].filter((l) => l !== ANYTHING).sort((a, b) => a - b);
}
