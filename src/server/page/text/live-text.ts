/**
 * Markdown in a place of the page, kept up with a text that grows: blocks that are the same stay the nodes they are, with what is
 * selected in them; only from the first that changed on they are made anew.
 */
import type { Token } from 'marked';
import { Blocks } from './blocks.js';
import { dress } from './dress.js';
import { proseCut } from './growing-prose.js';
import { nSameRows, type Rows, rowsOf, rowsPlace, sourceFrom } from './growing-rows.js';
import { mendOpen } from './mend-open.js';
import { type OpenCode, openCode } from './open-code.js';
import { safeFragment } from './safe-html.js';
import { MARKDOWN, toHtml } from './to-html.js';

interface Drawn {
  key: string;
  nodes: ChildNode[];
  code?: OpenCode | undefined;
  rows?: Rows | undefined;
  /** Of a long paragraph what stays: its source, and how many nodes that became. */
  settled?: { source: string; nNodes: number };
}

export class LiveText {
  readonly #place: HTMLElement;
  readonly #blocks = new Blocks(MARKDOWN);
  #drawn: Drawn[] = [];

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  /** @param isWriting whether there is more to come */
  show(text: string, isWriting: boolean): void {
    if (!isWriting && this.#drawn.length === 0) this.#drawWhole(text);
    else this.#drawChanged(text, isWriting);
  }

  #drawChanged(text: string, isWriting: boolean): void {
    const read = this.#blocks.read(text, isWriting);
    const blocks = read.filter(({ type }) => type !== 'space' && type !== 'def');
    // Addresses that came after their links.
    if (!isWriting && this.#blocks.hasReferences) this.#cut(0);
    const last = isWriting ? blocks.length - 1 : -1;
    const changed = blocks.findIndex(
      (block, i) => this.#drawn[i]?.key !== keyOf(block, i === last),
    );
    const nKept = changed < 0 ? blocks.length : changed;
    if (nKept === last && this.#extend(blocks[last]!, last)) return;
    this.#cut(nKept);
    for (let i = nKept; i < blocks.length; i++)
      this.#drawn.push(this.#draw(blocks[i]!, i === last));
  }

  /** At one go, which costs a third of one by one. */
  #drawWhole(text: string): void {
    const fragment = this.#made(this.#blocks.whole(text), false);
    this.#drawn = [{ key: WHOLE, nodes: [...fragment.childNodes] }];
    this.#place.replaceChildren(fragment);
  }

  #cut(from: number): void {
    for (const { nodes } of this.#drawn.splice(from)) for (const node of nodes) node.remove();
  }

  #draw(block: Token, isOpen: boolean): Drawn {
    const code = isOpen ? openCode(block) : undefined;
    const tokens = isOpen ? this.#mended(block, code) : this.#blocks.within(block.raw);
    const fragment = this.#made(tokens, isOpen);
    const nodes = [...fragment.childNodes];
    this.#place.append(fragment);
    return { key: keyOf(block, isOpen), nodes, code, rows: isOpen ? rowsOf(block) : undefined };
  }

  #made(tokens: readonly Token[], isOpen: boolean): DocumentFragment {
    return dress(safeFragment(toHtml(tokens)), isOpen);
  }

  #mended(block: Token, code: OpenCode | undefined): Token[] {
    if (code) return [{ ...block, text: code.text, lang: code.language }];
    const isAsItIs = ['code', 'html', 'blockMath'].includes(block.type);
    return this.#blocks.within(isAsItIs ? block.raw : mendOpen(block.raw, block.type));
  }

  /** What may be long gets its new end. @returns whether that was enough */
  #extend(block: Token, at: number): boolean {
    return (
      at === this.#drawn.length - 1 &&
      (this.#extendCode(block, at) || this.#extendRows(block, at) || this.#extendProse(block, at))
    );
  }

  #extendProse(block: Token, at: number): boolean {
    const { nodes, settled = { source: '', nNodes: 0 } } = this.#drawn[at]!;
    const place = nodes.find((node) => node instanceof HTMLParagraphElement);
    const source = block.raw.slice(settled.source.length);
    const cut = proseCut(source);
    const isLong = settled.source !== '' || cut > 0;
    if (block.type !== 'paragraph' || !place || !isLong) return false;
    const added = this.#inline(source.slice(0, cut).trimEnd());
    const open = this.#inline(mendOpen(source.slice(cut), block.type));
    if (!added || !open || !block.raw.startsWith(settled.source)) return false;
    while (place.childNodes.length > settled.nNodes) place.lastChild!.remove();
    if (cut > 0) place.append(...added, ' ');
    const { length: nNodes } = place.childNodes;
    place.append(...open);
    const settledNow = { source: block.raw.slice(0, settled.source.length + cut), nNodes };
    this.#drawn[at] = { key: keyOf(block, true), nodes, settled: settledNow };
    return true;
  }

  /** What a paragraph of it has within; undefined where it would be none, or more. */
  #inline(source: string): ChildNode[] | undefined {
    const tokens = this.#blocks.within(source);
    if (tokens.some(({ type }, i) => i > 0 || type !== 'paragraph')) return undefined;
    const [paragraph] = this.#made(tokens, true).children;
    return [...(paragraph?.childNodes ?? [])];
  }

  #extendRows(block: Token, at: number): boolean {
    const { rows: before, nodes } = this.#drawn[at]!;
    const rows = rowsOf(block);
    const place = rowsPlace(nodes);
    const nSame = before && rows ? nSameRows(before, rows) : 0;
    if (!rows || !place || nSame === 0 || nSame > place.children.length) return false;
    const source = mendOpen(sourceFrom(rows, nSame), block.type);
    const [made, ...others] = this.#blocks.within(source);
    if (!made || others.length > 0 || rowsOf(made)?.kind !== rows.kind) return false;
    const added = rowsPlace(this.#made([made], true).childNodes);
    while (place.children.length > nSame) place.lastElementChild!.remove();
    if (added) place.append(...added.children);
    this.#drawn[at] = { key: keyOf(block, true), nodes, rows };
    return true;
  }

  #extendCode(block: Token, at: number): boolean {
    const drawn = this.#drawn[at];
    const code = openCode(block);
    if (!drawn?.code || !code) return false;
    if (drawn.code.language !== code.language || !code.text.startsWith(drawn.code.text))
      return false;
    const place = drawn.nodes.find((node) => node instanceof Element)?.querySelector('pre code');
    if (!place) return false;
    const node = place.firstChild;
    const { length } = drawn.code.text;
    // What is drawn ends with a line end of its own.
    if (node instanceof Text)
      node.replaceData(length, node.length - length, code.text.slice(length));
    else place.textContent = code.text;
    this.#drawn[at] = { key: keyOf(block, true), nodes: drawn.nodes, code };
    return true;
  }
}

/** The key of no block. */
const WHOLE = '';

function keyOf({ raw }: Token, isOpen: boolean): string {
  return isOpen ? `open ${raw}` : `${raw}.`;
}
