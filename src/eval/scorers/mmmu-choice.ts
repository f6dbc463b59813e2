/** The MMMU parser of multiple choice answers, which NExT-QA shares, and EgoSchema's relative of it. */
import { splitWords, stripCharacter } from './python-text.js';

const ENDS = [...",.!?;:'"];

export interface Options {
  /** 'A', 'B', … as many as there are options. */
  letters: readonly string[];
  /** Their texts, in the same order. */
  texts: readonly string[];
}

export function lettered(texts: readonly string[]): Options {
  return { letters: texts.map((_, i) => String.fromCharCode('A'.charCodeAt(0) + i)), texts };
}

/**
 * The letter that an answer names last; undefined where the reference draws one at random. `(B)` counts before a bare `B `
 * (which the last letter of any word in capitals is), that before `B.`, and these before an option's text.
 * @see lmms-eval tasks/mmmu/utils.py parse_multi_choice_response
 */
export function mmmuChoice(answer: string, options: Options): string | undefined {
  return namedLetter(answer, options.letters) ?? latest(...byText(padded(answer), options));
}

/** As {@link mmmuChoice}, without a look at the options' texts. */
export function namedLetter(answer: string, letters: readonly string[]): string | undefined {
  const text = padded(answer);
  const bracketed = letters.filter((letter) => text.includes(`(${letter})`));
  if (bracketed.length > 0) return latest(bracketed, (letter) => text.lastIndexOf(`(${letter})`));
  for (const form of [' ', '.']) {
    const named = letters.filter((letter) => text.includes(letter + form));
    // Found so, but compared as words: -1 where the letter only ends one.
    if (named.length > 0) return latest(named, (letter) => text.lastIndexOf(` ${letter} `));
  }
  return undefined;
}

/**
 * The letter that an answer names first, in any form; undefined where the reference draws.
 * @see lmms-eval tasks/egoschema/utils.py parse_multi_choice_response
 */
export function egoChoice(answer: string, { letters, texts }: Options): string | undefined {
  const text = padded(answer);
  const forms = [
    ...letters.map((letter) => ({ letter, form: `(${letter})` })),
    ...letters.map((letter) => ({ letter, form: `${letter} ` })),
    ...letters.map((letter) => ({ letter, form: `${letter}.` })),
  ].filter(({ form }) => text.includes(form));
  if (forms.length > 0) return earliest(forms, ({ form }) => text.lastIndexOf(form))?.letter;
  return earliest(...byText(text, { letters, texts }));
}

function padded(answer: string): string {
  return ` ${ENDS.reduce(stripCharacter, answer)} `;
}

/** The options whose text is part of an answer of more than five words, and where. */
function byText(
  text: string,
  { letters, texts }: Options,
): [letters: string[], place: (letter: string) => number] {
  const lower = text.toLowerCase();
  const option = (letter: string) => texts[letters.indexOf(letter)]!.toLowerCase();
  const isLong = splitWords(text).length > 5;
  const named = isLong ? letters.filter((letter) => lower.includes(option(letter))) : [];
  return [named, (letter) => lower.lastIndexOf(option(letter))];
}

/** The first of those with the latest place. */
function latest<T>(items: readonly T[], place: (item: T) => number): T | undefined {
  return earliest(items, (item) => -place(item));
}

function earliest<T>(items: readonly T[], place: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (best, item) => (best === undefined || place(item) < place(best) ? item : best),
    undefined,
  );
}
