/**
 * The last block of a text that is still written, so that it looks as it will when it is complete: emphasis and code that are open
 * are closed, links show their text, and a line that may yet become anything is held back.
 */

/** Only a mark so far: of a list, a heading, a table, a line under a heading, a fence. */
const BARE_MARK = /(?:^|\n)[ \t]*(?:[-*+=>|_]+|#{1,6}|\d{1,9}[.)]?|`{1,2}|~{1,2})[ \t]*$/;
const OPEN_LINK = /!?\[([^[\]]*)\]\([^()\s]*(?:[ \t][^()]*)?$/;
const TABLE_HEAD = /(?:^|\n)[ \t]*\|[^\n]*(?:\n[|:\- \t]*)?$/;
/** Where a text begins within which marks have their partners. */
const LINE_STARTS =
  /(?:^|\n)[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+|#{1,6}[ \t]+|>[ \t]?|\|)|\n[ \t]*\n/g;

export function mendOpen(source: string, type: string): string {
  let text = source.replace(BARE_MARK, '');
  if (type !== 'table') text = text.replace(TABLE_HEAD, '');
  text = text.replace(OPEN_LINK, '$1');
  let start = 0;
  for (const { index, 0: mark } of text.matchAll(LINE_STARTS)) start = index + mark.length;
  return text.slice(0, start) + closed(text.slice(start));
}

interface Mark {
  letter: string;
  length: number;
}

const MARKS = /\\[\s\S]|(`+|\*+|_+|~~)/g;

/** With partners for the marks that have none. */
function closed(text: string): string {
  const open: Mark[] = [];
  const marks = new RegExp(MARKS);
  for (let found = marks.exec(text); found; found = marks.exec(text)) {
    const { index, 1: run } = found;
    if (run === undefined) continue;
    const end = index + run.length;
    if (run.startsWith('`')) {
      const partner = partnerOf(run, text, end);
      if (partner < 0)
        return end === text.length ? finish(text.slice(0, index), open) : finish(text + run, open);
      marks.lastIndex = partner + run.length;
      continue;
    }
    const left = take({ letter: run[0]!, length: run.length }, flanks(text, index, end), open);
    if (left > 0 && end === text.length) return finish(text.slice(0, end - left), open);
  }
  return finish(text, open);
}

function partnerOf(run: string, text: string, from: number): number {
  for (let at = text.indexOf(run, from); at >= 0; ) {
    let end = at;
    while (text[end] === '`') end++;
    if (end - at === run.length) return at;
    at = text.indexOf(run, end);
  }
  return -1;
}

interface Flanks {
  opens: boolean;
  closes: boolean;
}

function flanks(text: string, start: number, end: number): Flanks {
  const before = text[start - 1] ?? ' ';
  const after = text[end] ?? ' ';
  // 2*3 and snake_case are none.
  const isWithin = /[\p{L}\p{N}]/u.test(before) && /[\p{L}\p{N}]/u.test(after);
  const isPlain = isWithin && (text[start] === '_' || end - start === 1);
  return { opens: !isPlain && /\S/.test(after), closes: !isPlain && /\S/.test(before) };
}

/** Closes what it can, opens with the rest. @returns how much of it did neither */
function take({ letter, length }: Mark, { opens, closes }: Flanks, open: Mark[]): number {
  let left = length;
  const isOpen = closes && open.some((mark) => mark.letter === letter);
  while (isOpen && left > 0 && open.length > 0) {
    const last = open.at(-1)!;
    if (last.letter !== letter) {
      if (!open.some((mark) => mark.letter === letter)) break;
      open.pop();
      continue;
    }
    const used = Math.min(last.length, left);
    left -= used;
    last.length -= used;
    if (last.length === 0) open.pop();
  }
  if (left === 0 || !opens) return left;
  open.push({ letter, length: left });
  return 0;
}

function finish(text: string, open: readonly Mark[]): string {
  if (open.length === 0) return text;
  const ends = open.map(({ letter, length }) => letter.repeat(length)).reverse();
  return text.trimEnd() + ends.join('');
}
