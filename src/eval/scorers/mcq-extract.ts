import { characters, strip, stripCharacter } from './python-text.js';

const DEFAULT_LETTERS = [...'ABCDEFGH'];
const ENDS = [...',.!?;:\'"'];

// What may announce an answer. Only a phrase's first place in the text counts, so longer and shorter forms both matter.
const PHRASES = [
  'the answer is',
  'the correct answer is',
  'the best answer is',
  'the correct option is',
  'the best option is',
  'the choice is',
  'the correct choice is',
  'answer is',
  'correct answer is',
  'best answer is',
  'correct option is',
  'best option is',
  'choice is',
  'correct choice is',
  'my answer is',
  'my choice is',
  'i choose',
  'i select',
  'i pick',
  '옵션',
  '정답은',
  '답은',
  '답:',
  '答案是',
  '答案为',
  '选',
  '答えは',
];

interface Candidate {
  letter: string;
  at: number;
  priority: number;
}

/**
 * The newer harness's common extractor: every letter in every form it may take; the surest form wins, and among equals
 * the last mention. '' without a candidate. A letter alone at either end is surer than one after "the answer is", that
 * surer than (A), A., A:, A), "A " in this order.
 * @see lmms-eval tasks/_task_utils/mcq_extract.py
 */
export function mcqExtract(response: string, letters: readonly string[] = DEFAULT_LETTERS): string {
  if (strip(response) === '') return '';
  const core = ENDS.reduce(stripCharacter, strip(response));
  const text = ` ${core} `;
  const candidates = [
    ...inForms(text, letters),
    ...afterPhrases(text, letters),
    ...atEnds(text, letters),
  ];
  const found = candidates.length > 0 ? candidates : mentions(text, letters, (letter) => letter, 0);
  return found.reduce<Candidate | undefined>(surer, undefined)?.letter ?? '';
}

/** The earlier found of two equal ones. */
function surer(best: Candidate | undefined, next: Candidate): Candidate {
  if (!best || next.priority > best.priority) return next;
  return next.priority === best.priority && next.at > best.at ? next : best;
}

function inForms(text: string, letters: readonly string[]): Candidate[] {
  return [
    ...mentions(text, letters, (letter) => `(${letter})`, 6),
    ...mentions(text, letters, (letter) => `${letter}.`, 5),
    ...mentions(text, letters, (letter) => `${letter}:`, 4),
    ...mentions(text, letters, (letter) => `${letter})`, 3),
    ...mentions(text, letters, (letter) => `${letter} `, 2),
  ];
}

function mentions(
  text: string,
  letters: readonly string[],
  form: (letter: string) => string,
  priority: number,
): Candidate[] {
  return letters
    .map((letter) => ({ letter, at: text.lastIndexOf(form(letter)), priority }))
    .filter(({ at }) => at >= 0);
}

/** Any letter behind a phrase, however far, even inside a word. */
function afterPhrases(text: string, letters: readonly string[]): Candidate[] {
  const lower = text.toLowerCase();
  return PHRASES.flatMap((phrase) => {
    const at = lower.indexOf(phrase);
    if (at < 0) return [];
    return letters
      .map((letter) => ({ letter, at: text.indexOf(letter, at + phrase.length), priority: 7 }))
      .filter((candidate) => candidate.at >= 0);
  });
}

function atEnds(text: string, letters: readonly string[]): Candidate[] {
  const core = characters(strip(text));
  const startsAWord = /^\p{L}/u.test(core[1] ?? '');
  const endsAWord = /^\p{L}/u.test(core.at(-2) ?? '');
  const found: Candidate[] = [];
  for (const letter of letters) {
    if (core[0] === letter && !startsAWord) found.push({ letter, at: 0, priority: 10 });
    if (core.at(-1) === letter && !endsAWord) found.push({ letter, at: text.length, priority: 9 });
  }
  return found;
}
