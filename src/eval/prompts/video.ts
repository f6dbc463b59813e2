/**
 * What is asked about a clip, without the `<image>` before it: a dataset's row in, the user's text out, to the character.
 * @see lmms-eval v0.2.2 and 75571cfe, doc_to_text of each task
 */

import { type Row, textColumn, textsColumn } from '../data/columns.js';
import { LETTERS, optionLines } from '../option-letters.js';
import { listText } from '../scorers/python-literals.js';
import { capitalize, strip } from '../scorers/python-text.js';
import type { Rules } from '../scorers/rules.js';
import { LETTER_PLEASE, PHRASE_PLEASE } from './wishes.js';

/** The first letter up, the rest down, and a question mark, which the dataset leaves out. */
export function activityPrompt(row: Row): string {
  return `${capitalize(textColumn(row, 'question'))}? ${PHRASE_PLEASE}`;
}

/** The options have their letters already. */
export function egoPrompt(row: Row): string {
  return [textColumn(row, 'question'), ...textsColumn(row, 'option'), LETTER_PLEASE].join('\n');
}

/** The options are in the question; the answer begins inside a bracket. */
export function mlvuPrompt(row: Row, rules: Rules): string {
  const question = `${textColumn(row, 'question')}\nOnly give the best option.\n`;
  return rules === 'v0.2.2' ? `\n${question}\nBest option: (` : `${question}Best option: (`;
}

export function mvBenchPrompt(row: Row, rules: Rules): string {
  const question = textColumn(row, 'question');
  const candidates = textsColumn(row, 'candidates');
  if (rules === 'v0.2.2') return `${question}\n${lines(candidates, '', '.')}${LETTER_PLEASE}`;
  const options = lines(candidates, '(', ')');
  return `Question:${question}\nOption:\n${options}Only give the best option.\n`;
}

function lines(options: readonly string[], before: string, after: string): string {
  return options.map((text, i) => `${before}${LETTERS[i]}${after} ${text}\n`).join('');
}

/** No instruction: the reference gives none for this task. */
export function nextQaPrompt(row: Row): string {
  return `${strip(textColumn(row, 'question'))}\n${optionLines(nextQaOptions(row))}`;
}

export function nextQaOptions(row: Row): string[] {
  return [0, 1, 2, 3, 4].map((i) => strip(textColumn(row, `a${i}`)));
}

/** Options beyond the third, of which the dataset has none, are all called C. */
export function perceptionPrompt(row: Row): string {
  const options = textsColumn(row, 'options').map((text, i) => `${'ABC'[Math.min(i, 2)]}. ${text}`);
  return [textColumn(row, 'question'), ...options, LETTER_PLEASE].join('\n');
}

/** Video-ChatGPT and VideoDC. */
export function askedPrompt(row: Row): string {
  return textColumn(row, 'question');
}

/** Video-ChatGPT's consistency rows hold one of a pair of questions; the other says None. */
export function consistencyPrompt(row: Row): string {
  const first = textColumn(row, 'question_1');
  return first === 'None' ? textColumn(row, 'question_2') : first;
}

/** "and the subtitles", though there are none. v0.2.2 shows the options as Python writes a list. */
export function videoMmePrompt(row: Row, rules: Rules): string {
  const task =
    'Select the best answer to the following multiple-choice question based on the video and the subtitles. ' +
    'Respond with only the letter (A, B, C, or D) of the correct option.';
  const options = textsColumn(row, 'options');
  const shown = rules === 'v0.2.2' ? listText(options) : options.join('\n');
  return `${task}\n${textColumn(row, 'question')}\n${shown}\n\n${LETTER_PLEASE}`;
}
