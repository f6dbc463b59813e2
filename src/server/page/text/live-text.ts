/**
 * Markdown in a place of the page, kept up with a text that grows: blocks that are the same stay the nodes they are, with what is
 * selected in them; only from the first that changed on they are made anew.
 */
import type { Token } from 'marked';
import { Blocks } from './blocks.js';
import { dress } from './dress.js';
import { mendOpen } from './mend-open.js';
import { type OpenCode, openCode } from './open-code.js';
import { safeFragment } from './safe-html.js';
import { MARKDOWN, toHtml } from './to-html.js';

interface Drawn {
  key: string;
  nodes: ChildNode[];
  code?: OpenCode | undefined;
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
    if (nKept === last && this.#extendCode(blocks[last]!, last)) return;
    this.#cut(nKept);
    for (let i = nKept; i < blocks.length; i++)
      this.#drawn.push(this.#draw(blocks[i]!, i === last));
  }

  /** At one go, which costs a third of one by one. */
  #drawWhole(text: string): void {
    const fragment = dress(safeFragment(toHtml(this.#blocks.read(text, false))), false);
    this.#drawn = [{ key: WHOLE, nodes: [...fragment.childNodes] }];
    this.#place.replaceChildren(fragment);
  }

  #cut(from: number): void {
    for (const { nodes } of this.#drawn.splice(from)) for (const node of nodes) node.remove();
  }

  #draw(block: Token, isOpen: boolean): Drawn {
    const code = isOpen ? openCode(block) : undefined;
    const tokens = isOpen ? mended(block, code) : [block];
    const fragment = dress(safeFragment(toHtml(tokens)), isOpen);
    const nodes = [...fragment.childNodes];
    this.#place.append(fragment);
    return { key: keyOf(block, isOpen), nodes, code };
  }

  /** Code may be long: what only grew gets its new end. */
  #extendCode(block: Token, at: number): boolean {
    const drawn = this.#drawn[at];
    const code = openCode(block);
    if (!drawn?.code || !code || at !== this.#drawn.length - 1) return false;
    if (drawn.code.language !== code.language || !code.text.startsWith(drawn.code.text))
      return false;
    const place = drawn.nodes.find((node) => node instanceof Element)?.querySelector('pre code');
    if (!place) return false;
    place.append(code.text.slice(drawn.code.text.length));
    place.normalize();
    this.#drawn[at] = { key: keyOf(block, true), nodes: drawn.nodes, code };
    return true;
  }
}

/** The key of no block. */
const WHOLE = '';

function keyOf({ raw }: Token, isOpen: boolean): string {
  return isOpen ? `open ${raw}` : `${raw}.`;
}

function mended(block: Token, code: OpenCode | undefined): Token[] {
  if (code) return [{ ...block, text: code.text, lang: code.language }];
  if (block.type === 'code' || block.type === 'html' || block.type === 'blockMath') return [block];
  return [...new Blocks(MARKDOWN).read(mendOpen(block.raw, block.type), false)];
}
