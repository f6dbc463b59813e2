/** The few values that a conjunction of schemas admits, where there are few and all are scalars. */
import { ARRAY, type Branch, FALSE, NULL, NUMBER, OBJECT, STRING, TRUE } from './branch.js';
import type { Alternative } from './gbnf.js';
import { keptValues } from './number-facts.js';
import type { Literal } from './schema-index.js';
import { literal } from './terminals.js';
import { wordsOf } from './word-trees.js';
import type { Writing } from './writing.js';

const MAX_VALUES = 100;

/** How each value is written, or undefined where they are not few scalars. */
export function finiteTexts(
  writer: Writing,
  literals: readonly Literal[],
): Alternative[] | undefined {
  const values = new Set<string | number | boolean | null>();
  for (const branch of writer.expander.expand(literals)) {
    const own = valuesOf(writer, branch);
    if (!own) return undefined;
    for (const value of own) values.add(value);
    if (values.size > MAX_VALUES) return undefined;
  }
  return [...values].map((value) => textOf(writer, value));
}

function valuesOf(
  { expander }: Writing,
  { types, number, string }: Branch,
): (string | number | boolean | null)[] | undefined {
  if (types & (OBJECT | ARRAY)) return undefined;
  const values: (string | number | boolean | null)[] = [];
  if (types & NULL) values.push(null);
  if (types & FALSE) values.push(false);
  if (types & TRUE) values.push(true);
  if (types & NUMBER) {
    if (!number.values) return undefined;
    values.push(...keptValues(number, number.values));
  }
  if (types & STRING) {
    const term = string.terms.find(({ kind }) => kind === 'words');
    if (term?.kind !== 'words') return undefined;
    const all = expander.textTerm(string);
    values.push(...wordsOf(term.node).filter((word) => expander.moves.admits(all, word)));
  }
  return values;
}

function textOf(writer: Writing, value: string | number | boolean | null): Alternative {
  if (typeof value !== 'string') return [literal(JSON.stringify(value))];
  return [writer.text.string('item', writer.expander.pool.words([value]))!];
}
