/**
 * MathVista asks in four forms. Lines: question, choices, hint; `reason-first` puts the hint first, `solution` ends in an opening.
 * @see lmms-eval tasks/mathvista/mathvista_evals.py create_one_query
 */
import { optionalText, type Row, textColumn, textsColumn } from '../data/columns.js';
import { LETTERS, optionLines } from '../option-letters.js';
import { strip } from '../scorers/python-text.js';
import { LETTER_PLEASE } from './wishes.js';

/** As the reference calls them. */
export type MathVistaForm = 'step-by-step' | 'solution' | 'format-prompt' | 'reason-first';

/** By the ending of the task's name: mathvista_testmini_cot, mathvista_test. */
export const MATHVISTA_FORMS: Readonly<Record<string, MathVistaForm>> = {
  cot: 'step-by-step',
  solution: 'solution',
  format: 'format-prompt',
  test: 'reason-first',
};

export function mathVistaPrompt(row: Row, form: MathVistaForm): string {
  const unit = optionalText(row, 'unit');
  const label = form === 'format-prompt' ? '' : 'Question: ';
  const asked = `${label}${textColumn(row, 'question')}${unit === '' ? '' : ` (Unit: ${unit})`}`;
  const choices = row.choices ? choiceLines(textsColumn(row, 'choices'), form) : '';
  const hint = hintOf(row, form);
  const opening = form === 'solution' ? 'Solution: ' : '';
  const lines = form === 'reason-first' ? [hint, asked, choices] : [asked, choices, hint, opening];
  return strip(lines.filter((line) => line !== '').join('\n'));
}

function choiceLines(choices: readonly string[], form: MathVistaForm): string {
  if (choices.length === 0) return '';
  if (form === 'format-prompt') return optionLines(choices);
  return ['Choices:', ...choices.map((choice, i) => `(${LETTERS[i]}) ${choice}`)].join('\n');
}

/** What is to be given, by kind of answer: in words, an example, and as `format-prompt` says it. */
const KINDS: Record<string, readonly [asks: string, example: string, format: string]> = {
  integer: ['an integer answer', 'value, e.g., 1, 2, 3,', 'single integer number'],
  float1: [
    'a floating-point number with one decimal place',
    'value, e.g., 1.2, 1.3, 1.4,',
    'single floating-point number with one decimal place',
  ],
  float2: [
    'a floating-point number with two decimal places',
    'value, e.g., 1.23, 1.34, 1.45,',
    'single floating-point number with two decimal places',
  ],
  list: ['a Python list as an answer', 'list, e.g., [1, 2, 3], [1.2, 1.3, 1.4],', 'Python list'],
};

function hintOf(row: Row, form: MathVistaForm): string {
  if (row.question_type === 'multi_choice') return CHOICE_HINTS[form];
  const kind = row.answer_type === 'float' ? `float${row.precision}` : String(row.answer_type);
  const words = KINDS[kind];
  // The reference knows no other kinds.
  if (!words) return '';
  const [asks, example, format] = words;
  if (form === 'format-prompt') return `Answer the question using a ${format}.`;
  const wish = `the question requiring ${asks} and provide the final ${example} at the end`;
  return form === 'reason-first'
    ? `First perform reasoning, then finally answer ${wish} in the following format: Answer: xxx.`
    : `Hint: Please answer ${wish}.`;
}

const CHOICE_HINT =
  'Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.';
const CHOICE_HINTS: Record<MathVistaForm, string> = {
  'step-by-step': CHOICE_HINT,
  solution: CHOICE_HINT,
  'format-prompt': LETTER_PLEASE,
  'reason-first':
    'First perform reasoning, then finally select the question from the choices in the following format: Answer: xxx.',
};
