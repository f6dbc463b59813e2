/**
 * What is asked about a picture, without the `<image>` before it: a dataset's row in, the user's text out, to the character.
 * Each function reads the row's columns and throws ERR_EVAL_DATA for one that is missing.
 * @see lmms-eval v0.2.2 and 75571cfe, doc_to_text of each task
 */
import { optionalText, type Row, textColumn, textsColumn } from '../data/columns.js';
import { optionLines } from '../option-letters.js';
import { literal } from '../scorers/python-literals.js';
import { strip } from '../scorers/python-text.js';
import { LETTER_PLEASE, PHRASE_PLEASE } from './wishes.js';

export function ai2dPrompt(row: Row): string {
  const options = optionLines(textsColumn(row, 'options'));
  return `${textColumn(row, 'question')}\n${options}\n${LETTER_PLEASE}`;
}

export function chartPrompt(row: Row): string {
  return `${textColumn(row, 'question')}\nAnswer the question with a single word.`;
}

/** DocVQA and InfoVQA. */
export function documentPrompt(row: Row): string {
  return `${textColumn(row, 'question')}\n${PHRASE_PLEASE}`;
}

/** ImageDC, LiveBench, LLaVA-W: the question and nothing else. */
export function barePrompt(row: Row): string {
  return textColumn(row, 'question');
}

export function wilderPrompt(row: Row): string {
  return textColumn(row, 'Question');
}

export function vibePrompt(row: Row): string {
  return strip(textColumn(row, 'prompt'));
}

export function mathVersePrompt(row: Row): string {
  return strip(textColumn(row, 'query_wo'));
}

const OPTION_COLUMNS = [...'ABCDE'];
const MISSING = 'nan';

export function mmbenchPrompt(row: Row): string {
  const hint = optionalText(row, 'hint');
  const options = OPTION_COLUMNS.map((letter) => [letter, optionalText(row, letter)] as const)
    .filter(([, text]) => text !== '' && text !== MISSING)
    .map(([letter, text]) => `\n${letter}. ${text}`);
  const listed = `There are several options:${options.join('')}`.replace(/\n+$/, '');
  const question = `${textColumn(row, 'question')} ${listed}\n\n${LETTER_PLEASE}`;
  // Without a hint the column says nan; an empty one leaves its space.
  return hint === MISSING || row.hint === null || row.hint === undefined
    ? question
    : `${hint} ${question}`;
}

export function mmePrompt(row: Row): string {
  return `${withoutYesOrNo(row)}\n${PHRASE_PLEASE}`;
}

/** No period at the end: the reference has none. */
export function starPrompt(row: Row): string {
  return `${withoutYesOrNo(row)}\n${LETTER_PLEASE.slice(0, -1)}`;
}

function withoutYesOrNo(row: Row): string {
  return strip(textColumn(row, 'question')).replaceAll(' Please answer yes or no.', '');
}

export function mmmuPrompt(row: Row): string {
  const question = textColumn(row, 'question');
  if (row.question_type !== 'multiple-choice') return `${question}\n\n${PHRASE_PLEASE}`;
  return `${question}\n${optionLines(mmmuOptions(row))}\n\n${LETTER_PLEASE}`;
}

/** The column holds a list as Python writes it. */
export function mmmuOptions(row: Row): string[] {
  const written = row.options;
  const options = typeof written === 'string' ? literal(written) : written;
  return textsColumn({ ...row, options }, 'options');
}

export function vetPrompt(row: Row): string {
  const lead =
    'First please perform reasoning, and think step by step to provide best answer to the following question: \n\n';
  return lead + textColumn(row, 'question');
}

export function seedPrompt(row: Row): string {
  const choices = [...'abcd'].map((letter) => textColumn(row, `choice_${letter}`));
  return `${textColumn(row, 'question')}\n${optionLines(choices)}\n${LETTER_PLEASE}`;
}

export function sciencePrompt(row: Row): string {
  const hint = optionalText(row, 'hint');
  const choices = optionLines(textsColumn(row, 'choices'));
  const context = hint === '' ? '' : `Context: ${hint}\n`;
  return `${context}${textColumn(row, 'question')}\n${choices}\n${LETTER_PLEASE}`;
}

export function realWorldPrompt(row: Row): string {
  return strip(textColumn(row, 'question'));
}

/** The columns of the pictures that an MMMU prompt names (`<image 2>`), each once, in their order. */
export function picturesNamed(prompt: string): string[] {
  const named = Array.from(prompt.matchAll(/<image (\d+)>/g), ([, k]) => `image_${k}`);
  return [...new Set(named)].sort();
}
