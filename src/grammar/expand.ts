/**
 * A conjunction of literals to the branches that keep it: keywords are worked off first, then every choice is
 * followed. A branch that contradicts itself is dropped as soon as that is seen. Bounded.
 */

import { isEmptyLanguage } from './automaton.js';
import { ARRAY, Branch, NUMBER, OBJECT, type PropertyGroup, STRING } from './branch.js';
import { Disjoint } from './disjoint.js';
import { LABEL_FORMS, type LabelForm, SHORT_FORMS } from './formats.js';
import { type Document, type Keyword, Place } from './keyword.js';
import { ARRAY_KEYWORDS } from './keywords-array.js';
import { LOGIC_KEYWORDS } from './keywords-logic.js';
import { NUMBER_KEYWORDS } from './keywords-number.js';
import { OBJECT_KEYWORDS } from './keywords-object.js';
import { STRING_KEYWORDS } from './keywords-string.js';
import { type Term, TermPool, TooManyStates } from './language.js';
import { Moves } from './moves.js';
import { allGroups, propertyLiterals } from './property-literals.js';
import { searchTerm } from './regexp.js';
import { NotRegular } from './regexp-characters.js';
import { isSchemaError, schemaError } from './schema-error.js';
import { conjunction, type Literal, NOTHING, type Schema, SchemaIndex } from './schema-index.js';
import { shortTerm } from './short-form.js';

// Order matters: what settles types and names comes before what chooses.
const KEYWORDS: Readonly<Record<string, Keyword>> = {
  ...LOGIC_KEYWORDS,
  ...NUMBER_KEYWORDS,
  ...STRING_KEYWORDS,
  ...ARRAY_KEYWORDS,
  ...OBJECT_KEYWORDS,
};

const MAX_BRANCHES = 400;
/** Branches of all conjunctions of a document. */
const MAX_WORK = 30_000;
const MAX_STATES = 500;
/** Conjunctions within each other that are looked into to show that one has no values. */
const MAX_PROOFS = 4;

const keyOf = (literals: readonly Literal[]): string => conjunction(literals).join();

export class Expander implements Document {
  readonly pool = new TermPool();
  readonly moves = new Moves(this.pool);
  readonly index: SchemaIndex;
  private readonly patterns = new Map<string, Term>();
  readonly groups = new Map<Schema, PropertyGroup>();
  private readonly known = new Map<string, Branch[]>();
  private readonly emptyTexts = new Map<Term, boolean>();
  /** Conjunctions that are being expanded. */
  private readonly working = new Set<string>();
  private readonly disjoint = new Disjoint(this);
  private work = 0;

  constructor(root: Schema) {
    this.index = new SchemaIndex(root);
  }

  expand(literals: readonly Literal[]): Branch[] {
    const key = keyOf(literals);
    let branches = this.known.get(key);
    if (!branches) {
      this.working.add(key);
      const first = new Branch();
      first.todo = literals.map((literal) => ({ literal, owners: [] }));
      branches = [];
      try {
        this.follow(first, branches);
      } finally {
        this.working.delete(key);
      }
      this.known.set(key, branches);
    }
    return branches;
  }

  private follow(branch: Branch, done: Branch[]): void {
    this.settle(branch);
    if (branch.isDead) return;
    const choices = branch.splits.shift();
    if (!choices) {
      done.push(branch);
      if (done.length > MAX_BRANCHES || ++this.work > MAX_WORK) throw this.tooMany(branch);
      return;
    }
    for (let i = 0; i < choices.length; i++) {
      // The last one needs no copy: nothing comes back to the branch.
      const own = i < choices.length - 1 ? branch.copy() : branch;
      choices[i]!(own);
      this.follow(own, done);
    }
  }

  private tooMany(branch: Branch): Error {
    const schema = branch.object.minSchema;
    return schemaError(
      schema ? this.index.pointerOf(schema) : '',
      'anyOf',
      `its choices combine to more than ${MAX_BRANCHES} ways; write fewer "anyOf", "oneOf", "if" or "dependentRequired" beside each other`,
    );
  }

  /** Works off everything that leaves no choice. */
  private settle(branch: Branch): void {
    for (let next = branch.todo.pop(); next && !branch.isDead; next = branch.todo.pop()) {
      if (!branch.isNew(next)) continue;
      const schema = this.index.schemaOf(next.literal);
      branch.owners = next.owners;
      if (next.literal % 2 === 0) this.keep(branch, schema);
      else this.oppose(branch, schema);
    }
    if (branch.types & OBJECT && this.contradictsItself(branch)) branch.only(~OBJECT);
    if (branch.types & STRING && branch.string.min > branch.string.max) branch.only(~STRING);
    if (branch.types & ARRAY && branch.array.min > branch.array.max) branch.only(~ARRAY);
    if (branch.types & NUMBER && branch.number.least > branch.number.most) branch.only(~NUMBER);
  }

  private keep(branch: Branch, schema: Schema): void {
    if (schema.unevaluatedProperties !== undefined || schema.unevaluatedItems !== undefined)
      branch.owners = [...branch.owners, schema];
    const keywords = Object.keys(schema);
    for (let i = 0; i < keywords.length; i++) {
      const keyword = keywords[i]!;
      if (!Object.hasOwn(KEYWORDS, keyword)) continue;
      KEYWORDS[keyword]!.apply(branch, new Place(this, schema, keyword, schema[keyword]));
    }
  }

  private oppose(branch: Branch, schema: Schema): void {
    const choices = Object.entries(schema).flatMap(([keyword, value]) => {
      if (!Object.hasOwn(KEYWORDS, keyword)) return [];
      const place = new Place(this, schema, keyword, value);
      const { negate } = KEYWORDS[keyword]!;
      if (!negate)
        throw place.fail('its opposite, which "not", "oneOf" or "if" asks for, cannot be said');
      return negate(place);
    });
    branch.owners = [];
    if (choices.length === 0) branch.only(0);
    else branch.choose(choices);
  }

  isClearlyEmpty(literals: readonly Literal[]): boolean {
    return this.isEmpty(literals, this.working.size > MAX_PROOFS ? 0 : 2);
  }

  pattern(source: string, place: Place): Term {
    let term = this.patterns.get(source);
    if (!term) {
      try {
        term = searchTerm(this.pool, source);
      } catch (error) {
        if (!(error instanceof NotRegular)) throw error;
        throw place.fail(
          `${JSON.stringify(source)} has ${error.message}; write the pattern without it`,
        );
      }
      this.patterns.set(source, term);
    }
    return term;
  }

  private contradictsItself(branch: Branch): boolean {
    const { required, min, max } = branch.object;
    if (min > max || required.size > max) return true;
    if (required.size === 0) return false;
    const groups = allGroups(this, branch);
    return [...required].some((name) => {
      const literals = propertyLiterals(this, branch, name, groups);
      return literals.includes(NOTHING) || this.someDisjoint(literals);
    });
  }

  private someDisjoint(literals: readonly Literal[]): boolean {
    for (let i = 1; i < literals.length; i++)
      for (let j = 0; j < i; j++) if (this.disjoint.are(literals[i]!, literals[j]!)) return true;
    return false;
  }

  branchesOf(literal: Literal): readonly Branch[] | undefined {
    const isOpen = this.working.has(keyOf([literal])) || this.working.size > MAX_PROOFS;
    try {
      return isOpen ? undefined : this.expand([literal]);
    } catch (error) {
      if (isSchemaError(error) && !this.isSpent) return undefined;
      throw error;
    }
  }

  /** Nothing more will be kept of this document. */
  private get isSpent(): boolean {
    return this.work > MAX_WORK;
  }

  /** Whether no value keeps all literals, as far as `depth` levels show it. */
  isEmpty(literals: readonly Literal[], depth: number): boolean {
    if (literals.includes(NOTHING) || this.someDisjoint(literals)) return true;
    if (depth === 0 || this.working.has(keyOf(literals))) return false;
    try {
      return this.expand(literals).every((branch) => this.isEmptyBranch(branch, depth));
    } catch (error) {
      if (isSchemaError(error) && !this.isSpent) return false;
      throw error;
    }
  }

  private isEmptyBranch(branch: Branch, depth: number): boolean {
    const { types, number } = branch;
    if (types & ~(NUMBER | STRING | OBJECT | ARRAY)) return false;
    if (types & NUMBER && !(number.values?.size === 0)) {
      if (!number.values || this.admitsSome(number.values, branch)) return false;
    }
    if (types & STRING && !this.hasNoText(branch)) return false;
    if (types & ARRAY) return false;
    if (!(types & OBJECT)) return true;
    return [...branch.object.required].some((name) =>
      this.isEmpty(propertyLiterals(this, branch, name), depth - 1),
    );
  }

  private admitsSome(values: ReadonlySet<number>, { number }: Branch): boolean {
    return [...values].some((value) => value >= number.least && value <= number.most);
  }

  private hasNoText({ string }: Branch): boolean {
    if (string.terms.length === 0) return string.min > string.max;
    const term = this.textTerm(string);
    let isEmpty = this.emptyTexts.get(term);
    if (isEmpty === undefined) {
      isEmpty = this.isProvenEmpty(term);
      this.emptyTexts.set(term, isEmpty);
    }
    return isEmpty;
  }

  private isProvenEmpty(term: Term): boolean {
    try {
      return isEmptyLanguage(this.moves, term, MAX_STATES);
    } catch (error) {
      if (error instanceof TooManyStates) return false;
      throw error;
    }
  }

  /** The form of a format that is written in parts. */
  labelForm(term: Term): LabelForm | undefined {
    return LABEL_FORMS.find(({ pattern }) => this.patterns.get(pattern) === term);
  }

  /** Of a text of at most `max` characters: the term, or a narrower one where counting would take too many states. */
  within(term: Term, max: number): Term {
    const form = SHORT_FORMS.find(({ pattern }) => this.patterns.get(pattern) === term);
    return form && max < form.longest ? shortTerm(this.moves, form, max) : term;
  }

  /** All that is known of a text, its length too. */
  textTerm({ terms, min, max }: Branch['string']): Term {
    const { pool } = this;
    return pool.both(...terms, pool.repeat(pool.anyCharacter, min, max));
  }

  /** The same, or less where counting the characters of a format would take too many states. */
  private shortTextTerm(string: Branch['string']): Term {
    const terms = string.terms.map((term) => this.within(term, string.max));
    const isShort = terms.some((term, i) => term !== string.terms[i]);
    return this.textTerm({
      ...string,
      terms,
      max: isShort ? Number.POSITIVE_INFINITY : string.max,
    });
  }

  /** The names that all of `literals` admit as texts. */
  nameTerm(literals: readonly Literal[]): Term {
    if (literals.length === 0) return this.pool.anything;
    const branches = this.expand(literals).filter(({ types }) => types & STRING);
    return this.pool.choice(...branches.map(({ string }) => this.shortTextTerm(string)));
  }
}
