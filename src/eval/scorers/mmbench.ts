/**
 * MMBench: which option an answer means, and CircularEval, in which a question counts only if the answer survives
 * every rotation of its options.
 * @see lmms-eval tasks/mmbench/mmbench_evals.py can_infer, eval_sub_data
 */
import { mcqExtract } from './mcq-extract.js';
import { splitWords } from './python-text.js';

const LETTERS = [...'ABCDE'];
/** Before and after a letter, in the order in which they are tried. */
const AFFIXES: readonly (readonly [before: string, after: string])[] = [
  ...['.', ',', ':', ')', ').'].map((after) => ['', after] as const),
  ['(', ')'],
  ['(', ').'],
  ...['', ',', '.', ')', ').'].map((after) => [':', after] as const),
];

/** Option texts by letter, A–D; a missing one is left out. The dataset's string `nan` is a text like any other here. */
export type OptionTexts = Readonly<Record<string, string>>;

/** The option that an answer means; undefined if it names none or several. */
export function inferOption(answer: string, options: OptionTexts): string | undefined {
  return inferLetter(answer) ?? inferText(answer, options);
}

/** As {@link inferOption}, and where that fails the newer common extractor over the letters in use: needs no judge. */
export function inferOptionOffline(answer: string, options: OptionTexts): string {
  return inferOption(answer, options) ?? mcqExtract(answer, Object.keys(options).sort());
}

function inferLetter(answer: string): string | undefined {
  const words = splitWords(answer);
  const [letter, ...others] = LETTERS.filter((candidate) => words.includes(candidate));
  // In a longer answer "A" may be the article.
  const isArticle = words.includes('A') && words.length > 3;
  if (letter && others.length === 0 && !isArticle) return letter;
  for (const [before, after] of AFFIXES) {
    const named = LETTERS.filter((candidate) => words.includes(before + candidate + after));
    if (named.length === 1) return named[0];
  }
  return undefined;
}

function inferText(answer: string, options: OptionTexts): string | undefined {
  const lower = answer.toLowerCase();
  const named = Object.keys(options).filter((key) => lower.includes(options[key]!.toLowerCase()));
  return named.length === 1 ? named[0] : undefined;
}

/** Copies of a question have its index plus a multiple of this. */
const ROTATION = 1_000_000;

/** The index of the question that a row is a copy of. */
export function baseIndex(index: number): number {
  return index % ROTATION;
}

/** One rotation of a question. */
export interface Rotation {
  answer: string;
  gold: string;
  options: OptionTexts;
}

/** Whether every copy of a question is right. @param infer what an answer means, '' or undefined for nothing */
export function circularRight(
  copies: readonly Rotation[],
  infer: (answer: string, options: OptionTexts) => string | undefined,
): boolean {
  return copies.every(({ answer, gold, options }) => infer(answer, options) === gold);
}
