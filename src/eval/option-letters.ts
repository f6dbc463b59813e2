/** The options of a multiple-choice question in a prompt. */

export const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** 'A. first\nB. second' */
export function optionLines(options: readonly string[]): string {
  return options.map((option, i) => `${LETTERS[i]}. ${option}`).join('\n');
}
