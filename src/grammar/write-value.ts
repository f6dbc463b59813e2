/**
 * Branches to rules: one rule for each conjunction of schemas, so that recursion in the schema is recursion in the
 * grammar. White space: at most one space after ":" and ",", and nowhere else.
 */
import { ARRAY, type Branch, FALSE, NULL, NUMBER, OBJECT, STRING, TRUE } from './branch.js';
import type { Expander } from './expand.js';
import { freeNumber, isFree } from './free-number.js';
import { type Alternative, GrammarBuilder } from './gbnf.js';
import { JsonText } from './json-text.js';
import { TooManyStates } from './language.js';
import { NumberNotSayable, numberTerm } from './number-language.js';
import { schemaError } from './schema-error.js';
import { conjunction, type Literal, NOTHING, type Schema } from './schema-index.js';
import { literal } from './terminals.js';
import { writeArray } from './write-array.js';
import { writeObjects } from './write-object.js';
import type { Writing } from './writing.js';

const MAX_NESTING = 400;

export class ValueWriter implements Writing {
  readonly builder = new GrammarBuilder();
  readonly text: JsonText;
  /** An optional space. */
  readonly space: number;
  private readonly rules = new Map<string, number>();
  private readonly numbers = new Map<string, number | undefined>();
  private nesting = 0;

  constructor(readonly expander: Expander) {
    this.text = new JsonText(this.builder, expander.moves);
    this.space = this.builder.rule('sp', [[literal(' ')], []]);
  }

  /** The rule of all values that keep every literal. */
  value(hint: string, literals: readonly Literal[]): number {
    const own = conjunction(literals);
    const key = own.join();
    let rule = this.rules.get(key);
    if (rule !== undefined) return rule;
    rule = this.builder.declare(own.length === 0 ? 'value' : hint);
    this.rules.set(key, rule);
    if (own.includes(NOTHING)) return rule;
    if (++this.nesting > MAX_NESTING) {
      throw schemaError('', '$ref', `its schemas combine to more than ${MAX_NESTING} levels`);
    }
    const branches = this.expander.expand(own);
    const objects = branches.filter(({ types }) => types & OBJECT);
    const alternatives = objects.length > 0 ? writeObjects(this, hint, objects) : [];
    for (const branch of branches) alternatives.push(...this.branch(hint, branch));
    this.builder.define(rule, distinct(alternatives));
    this.nesting--;
    return rule;
  }

  /** But for objects. */
  private branch(hint: string, branch: Branch): Alternative[] {
    const { types } = branch;
    const forms: Alternative[] = [];
    if (types & ARRAY) forms.push(...writeArray(this, hint, branch));
    if (types & STRING) forms.push(...this.string(hint, branch));
    if (types & NUMBER) forms.push(...this.number(hint, branch));
    if (types & TRUE) forms.push([literal('true')]);
    if (types & FALSE) forms.push([literal('false')]);
    if (types & NULL) forms.push([literal('null')]);
    return forms;
  }

  private string(hint: string, { string }: Branch): Alternative[] {
    const { terms, min, max, schema } = string;
    if (terms.length === 0) return [[this.text.anyString(min, max)]];
    const isAnyLength = min === 0 && max === Number.POSITIVE_INFINITY;
    const form = terms.length === 1 && isAnyLength && this.expander.labelForm(terms[0]!);
    if (form) return [[this.text.labels(hint, form)]];
    const { pool } = this.expander;
    const rule = this.bounded(schema, 'pattern', () => {
      const term = pool.both(...terms.map((each) => this.expander.within(each, max)));
      return this.text.string(hint, term, { min, max });
    });
    return rule === undefined ? [] : [[rule]];
  }

  private number(hint: string, { number, numberSchema }: Branch): Alternative[] {
    if (isFree(number)) return [[freeNumber(this.builder, number)]];
    const key = JSON.stringify(
      { ...number, values: number.values && [...number.values] },
      infinite,
    );
    if (!this.numbers.has(key)) {
      const name = number.values ? hint : number.isInteger ? 'integer' : 'number';
      try {
        const term = numberTerm(this.expander.pool, number);
        const rule = this.bounded(numberSchema, 'multipleOf', () => this.text.plain(name, term));
        this.numbers.set(key, rule);
      } catch (error) {
        if (!(error instanceof NumberNotSayable)) throw error;
        throw this.fail(numberSchema, error.keyword, error.message);
      }
    }
    const rule = this.numbers.get(key);
    return rule === undefined ? [] : [[rule]];
  }

  bounded<T>(schema: Schema | undefined, keyword: string, write: () => T): T {
    try {
      return write();
    } catch (error) {
      if (!(error instanceof TooManyStates)) throw error;
      throw this.fail(schema, keyword, 'it needs too many states; write a simpler one');
    }
  }

  fail(schema: Schema | undefined, keyword: string, message: string): Error {
    const pointer = schema ? this.expander.index.pointerOf(schema) : '';
    return schemaError(pointer, keyword, message);
  }
}

function infinite(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function distinct(alternatives: readonly Alternative[]): Alternative[] {
  if (alternatives.length < 2) return [...alternatives];
  return [...new Map(alternatives.map((symbols) => [symbols.join(' '), symbols])).values()];
}
