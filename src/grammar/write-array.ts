/** Arrays: the items of a prefix, then those of the rest, counted where something has to be contained or bounded. */
import type { Branch, Containing, ItemGroup } from './branch.js';
import { finiteTexts } from './finite-values.js';
import type { Alternative } from './gbnf.js';
import { ANYTHING, type Literal, type Schema } from './schema-index.js';
import { literal } from './terminals.js';
import type { Writing } from './writing.js';

const MAX_COUNTED = 2_000;
/** So many different values may come in any order; more come in the order of the schema. */
const MAX_ANY_ORDER = 6;
const MAX_ITEMS = 1_000_000;

export function writeArray(writer: Writing, hint: string, branch: Branch): Alternative[] {
  const { array } = branch;
  const groups = allGroups(writer, branch);
  if (array.uniqueSchema && array.max > 1) return uniqueItems(writer, hint, branch, groups);
  if (array.containing.length > 1) {
    throw writer.fail(array.containing[1]!.schema, 'contains', 'an array can have one of them');
  }
  const prefix = Math.max(0, ...groups.map((group) => group.prefix.length));
  if (Math.max(array.min, array.max === Number.POSITIVE_INFINITY ? 0 : array.max) > MAX_ITEMS) {
    throw writer.fail(undefined, 'maxItems', `it goes to ${MAX_ITEMS}`);
  }
  const contained = array.containing[0];
  if (contained) return [new ContainingRules(writer, hint, branch, groups, contained).write()];
  return plainArray(writer, hint, branch, groups, prefix);
}

function literalsAt(groups: readonly ItemGroup[], position: number): Literal[] {
  const literals = groups.map(({ prefix, rest }) => prefix[position] ?? rest ?? ANYTHING);
  return [...new Set(literals)].filter((l) => l !== ANYTHING);
}

function plainArray(
  writer: Writing,
  hint: string,
  { array }: Branch,
  groups: readonly ItemGroup[],
  prefix: number,
): Alternative[] {
  const { builder } = writer;
  const { min, max } = array;
  const comma: Alternative = [literal(','), writer.space];
  const item = (i: number) => writer.value(`${hint}-item`, literalsAt(groups, i));
  const later = () => builder.rule(`${hint}-next`, [[...comma, item(prefix)]]);
  const rest = (from: number): Alternative => {
    if (max <= from) return [literal(']')];
    const least = Math.max(0, min - from);
    return [...builder.repeat(`${hint}-items`, later(), least, max - from), literal(']')];
  };
  if (max === 0) return [[literal('[]')]];
  if (prefix === 0) {
    const some: Alternative = [literal('['), item(0), ...rest(1)];
    return min === 0 ? [[literal('[]')], some] : [some];
  }
  let tail = builder.rule(`${hint}-rest`, [rest(prefix)]);
  for (let i = Math.min(prefix, max) - 1; i >= 0; i--) {
    const forms: Alternative[] = [[...(i > 0 ? comma : []), item(i), tail]];
    if (i >= min) forms.push([literal(']')]);
    tail = builder.rule(`${hint}-from${i}`, forms);
  }
  return [[literal('['), tail]];
}

/** Rules for what may follow once `i` items stand, `count` of which are contained ones. */
class ContainingRules {
  private readonly known = new Map<string, number>();
  private readonly most: number;
  private readonly prefix: number;
  private readonly enough: number;

  constructor(
    private readonly writer: Writing,
    private readonly hint: string,
    private readonly branch: Branch,
    private readonly groups: readonly ItemGroup[],
    private readonly contained: Containing,
  ) {
    const { min, max } = branch.array;
    this.prefix = Math.max(0, ...groups.map((group) => group.prefix.length));
    // Counts beyond which nothing changes.
    this.most = max === Number.POSITIVE_INFINITY ? Math.max(min, this.prefix, 1) : max;
    const isBounded = contained.max !== Number.POSITIVE_INFINITY;
    this.enough = isBounded ? contained.max + 1 : contained.min;
    if ((this.most + 1) * (this.enough + 1) > MAX_COUNTED)
      throw writer.fail(contained.schema, 'contains', 'its bounds are too large to be counted');
  }

  write(): Alternative {
    return [literal('['), this.from(0, 0)];
  }

  private from(i: number, count: number): number {
    const key = `${i} ${count}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const rule = this.writer.builder.declare(`${this.hint}-items`);
    this.known.set(key, rule);
    this.writer.builder.define(rule, this.forms(i, count));
    return rule;
  }

  private forms(i: number, count: number): Alternative[] {
    const { literal: wanted, min, max } = this.contained;
    const forms: Alternative[] = [];
    const { array } = this.branch;
    if (i >= array.min && count >= min && count <= max) forms.push([literal(']')]);
    if (i >= array.max || count > max) return forms;
    const comma: Alternative = i > 0 ? [literal(','), this.writer.space] : [];
    const add = (extra: Literal, next: number) => {
      const literals = [...literalsAt(this.groups, i), extra];
      const item = this.writer.value(`${this.hint}-item`, literals);
      forms.push([...comma, item, this.from(Math.min(i + 1, this.most), next)]);
    };
    add(wanted, Math.min(count + 1, this.enough));
    // Where too many matter, an item is one of them or surely is not.
    add(max === Number.POSITIVE_INFINITY ? ANYTHING : wanted ^ 1, count);
    return forms;
  }
}

/** Different items: of few known values only. */
function uniqueItems(
  writer: Writing,
  hint: string,
  branch: Branch,
  groups: readonly ItemGroup[],
): Alternative[] {
  const { array } = branch;
  const isPlain =
    array.containing.length === 0 && groups.every(({ prefix }) => prefix.length === 0);
  const texts = isPlain ? finiteTexts(writer, literalsAt(groups, 0)) : undefined;
  if (!texts) {
    throw writer.fail(
      array.uniqueSchema,
      'uniqueItems',
      'a grammar cannot compare items; give "items" an "enum", or "maxItems": 1',
    );
  }
  return [[literal('['), uniqueFrom(writer, hint, array, texts)]];
}

function uniqueFrom(
  writer: Writing,
  hint: string,
  { min, max, uniqueSchema }: { min: number; max: number; uniqueSchema: Schema | undefined },
  texts: readonly Alternative[],
): number {
  const isAnyOrder = texts.length <= MAX_ANY_ORDER;
  if (!isAnyOrder && texts.length * Math.min(texts.length, max) > MAX_COUNTED * 10) {
    throw writer.fail(uniqueSchema, 'uniqueItems', 'its items have too many values');
  }
  const known = new Map<string, number>();
  // Any order: `used` is a set of values; else the values behind the last one are left.
  const from = (used: number, count: number): number => {
    const key = `${used} ${count}`;
    let rule = known.get(key);
    if (rule !== undefined) return rule;
    rule = writer.builder.declare(`${hint}-unique`);
    known.set(key, rule);
    const forms: Alternative[] = count >= min ? [[literal(']')]] : [];
    if (count < max) {
      texts.forEach((text, i) => {
        if (isAnyOrder ? (used >> i) & 1 : i < used) return;
        const comma: Alternative = count > 0 ? [literal(','), writer.space] : [];
        const next = isAnyOrder ? used | (1 << i) : i + 1;
        forms.push([...comma, ...text, from(next, Math.min(count + 1, texts.length))]);
      });
    }
    writer.builder.define(rule, forms);
    return rule;
  };
  return from(0, 0);
}

/** The groups, and one for each "unevaluatedItems". */
function allGroups({ expander }: Writing, branch: Branch): ItemGroup[] {
  const { groups } = branch.array;
  const added = branch.unevaluated.flatMap((owner): ItemGroup[] => {
    const keyword = 'unevaluatedItems';
    if (owner[keyword] === undefined) return [];
    const own = groups.filter(({ owners }) => owners.includes(owner));
    if (own.some(({ rest }) => rest !== undefined)) return [];
    const prefix = Math.max(0, ...own.map((group) => group.prefix.length));
    const rest = expander.index.literal(owner[keyword], owner, keyword);
    return [{ prefix: Array<Literal>(prefix).fill(ANYTHING), rest, owners: [] }];
  });
  return [...groups, ...added];
}
