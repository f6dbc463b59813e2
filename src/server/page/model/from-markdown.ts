/**
 * A conversation in Markdown, as export.ts writes it, to the value that its file of JSON would have; nothing of it is checked here.
 * Such a file has one branch, and of pictures the names alone, which stay in the question's text.
 */
import { BadImport } from './checked.js';
import { fenceAfter, linesOf } from './fence.js';
import { FORMAT, VERSION } from './format.js';
import { PLAIN } from './start-settings.js';

interface Part {
  head: string;
  text: string;
}

/** @throws BadImport */
export function fromMarkdown(markdown: string): object {
  const { title, parts } = partsOf(markdown);
  const system = parts[0]?.head === 'System' ? parts.shift()!.text : '';
  if (parts.length === 0)
    throw new BadImport('This is no exported conversation: it has no “## User”.');
  const created = Date.now();
  const turns = parts.map((part, i) => ({
    ...{ id: `${i}`, parent: i === 0 ? null : `${i - 1}`, created: created + i, media: [] },
    ...(part.head === 'User' ? questionOf(part) : answerOf(part)),
  }));
  const settings = { ...PLAIN, system };
  const about = { id: 'only', title, created, changed: created, leaf: turns.at(-1)!.id, settings };
  return { format: FORMAT, version: VERSION, conversations: [{ ...about, turns }], media: {} };
}

function partsOf(markdown: string): { title: string; parts: Part[] } {
  const parts: { head: string; lines: string[] }[] = [];
  let title = '';
  let open = '';
  for (const line of linesOf(markdown)) {
    const [, head] = (open === '' && /^## (.+)$/.exec(line)) || [];
    if (head !== undefined && mayFollow(head, parts.at(-1)?.head)) {
      parts.push({ head, lines: [] });
      continue;
    }
    open = fenceAfter(open, line);
    if (parts.length > 0) parts.at(-1)!.lines.push(line);
    else title ||= /^# (.+)$/.exec(line)?.[1] ?? '';
  }
  return {
    title: raw(title),
    parts: parts.map(({ head, lines }) => ({
      head: raw(head),
      text: lines.join('\n').replace(/^\n+|\n+$/g, ''),
    })),
  };
}

/** An answer's own headings begin nothing: behind it comes a question. */
function mayFollow(head: string, before: string | undefined): boolean {
  if (before === undefined) return head === 'System' || head === 'User';
  return before === 'User' || head === 'User';
}

function questionOf({ text }: Part): object {
  const named = text.replace(/^(?:- (?:image|video): .*\n?)+/, raw);
  return { role: 'user', text: named };
}

function answerOf({ head, text }: Part): object {
  const [, , json] = /^(`{3,})json\n([\s\S]*)\n\1$/.exec(text) ?? [];
  return {
    ...{ role: 'assistant', state: 'done', text: json ?? text, isJson: json !== undefined },
    ...(head !== 'Assistant' && { model: head }),
  };
}

/** Undoes what keeps Markdown's marks from being any. */
const raw = (text: string): string => text.replace(/\\([\\`*_{}[\]<>()#+\-!|~$])/g, '$1');
