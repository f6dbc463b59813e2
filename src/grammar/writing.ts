/** What the writers of values share: the grammar that is built, and the rules of other values. */
import type { Branch } from './branch.js';
import type { GrammarBuilder } from './gbnf.js';
import type { JsonText } from './json-text.js';
import type { NameRules } from './property-literals.js';
import type { Literal, Schema } from './schema-index.js';

/** What is known of schemas; expand.ts. */
export interface Expanding extends NameRules {
  expand(literals: readonly Literal[]): readonly Branch[];
}

export interface Writing {
  readonly builder: GrammarBuilder;
  readonly text: JsonText;
  readonly expander: Expanding;
  /** An optional space. */
  readonly space: number;
  /** The rule of all values that keep every literal. */
  value(hint: string, literals: readonly Literal[]): number;
  /** Runs `write`; too many states are a refusal of the keyword. */
  bounded<T>(schema: Schema | undefined, keyword: string, write: () => T): T;
  /** A refusal, to be thrown. */
  fail(schema: Schema | undefined, keyword: string, message: string): Error;
}
