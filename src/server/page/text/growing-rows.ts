/**
 * Long lists and tables that are still written: the rows that are there stay, only what follows is made anew. Rows are a list's items
 * or a table's lines.
 */
import type { Token, Tokens } from 'marked';

export interface Rows {
  /** What has to be the same for rows to stay. */
  kind: string;
  sources: string[];
  /** What stands before each part of them. */
  head: string;
}

/** Undefined for blocks that have none. */
export function rowsOf(block: Token): Rows | undefined {
  if (block.type === 'list') {
    const { ordered, loose, items } = block as Tokens.List;
    return { kind: `list ${ordered} ${loose}`, sources: items.map(({ raw }) => raw), head: '' };
  }
  if (block.type !== 'table') return undefined;
  const [names = '', marks = '', ...lines] = block.raw.replace(/\n+$/, '').split('\n');
  const head = `${names}\n${marks}\n`;
  return { kind: head, sources: lines.map((line) => `${line}\n`), head };
}

/** How many rows need not be drawn again; 0 if all have to be. */
export function nSameRows(before: Rows, now: Rows): number {
  if (before.kind !== now.kind) return 0;
  const isOther = (source: string, i: number) => before.sources[i]?.trimEnd() !== source.trimEnd();
  const changed = now.sources.findIndex(isOther);
  const nSame = changed < 0 ? now.sources.length : changed;
  // The last was not complete; and of two it is seen whether there are blank lines between them.
  return Math.max(0, Math.min(nSame, before.sources.length - 1, now.sources.length - 2));
}

export function sourceFrom({ head, sources }: Rows, from: number): string {
  // A last line end would part it from the marks that close it.
  return head + sources.slice(from).join('').replace(/\n$/, '');
}

/** Where the rows of what was drawn are. */
export function rowsPlace(nodes: Iterable<Node>): Element | undefined {
  for (const node of nodes)
    if (node instanceof Element)
      return node.matches('ul, ol') ? node : (node.querySelector('tbody') ?? undefined);
  return undefined;
}
