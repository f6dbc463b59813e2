/** @returns what is open behind a line of Markdown: the marks of its code fence, or nothing */
export function fenceAfter(open: string, line: string): string {
  const [, run = '', rest = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
  if (run === '') return open;
  if (open === '') return run;
  const isEnd = run[0] === open[0] && run.length >= open.length && rest.trim() === '';
  return isEnd ? '' : open;
}

export const linesOf = (text: string): string[] => text.split(/\r\n?|\n/);
