/** What sanitised nodes get: their direction, room to scroll, code with its button, formulas. */
import { words } from '../words/words.js';
import { dressCode } from './code-block.js';

let math: typeof import('./math.js') | undefined;

/** @param isOpen whether its last block is still written */
export function dress(fragment: DocumentFragment, isOpen: boolean): DocumentFragment {
  // A list's and a table's is of the texts within, which count only while they have none of their own.
  const directed = 'p:not(li p),ul,ol,h3,h4,h5,h6,table';
  for (const node of fragment.querySelectorAll<HTMLElement>(directed)) node.dir = 'auto';
  const blocks = [...fragment.querySelectorAll('pre')];
  for (const pre of blocks) dressCode(pre, isOpen && pre === blocks.at(-1));
  for (const table of fragment.querySelectorAll('table')) dressTable(table);
  const formulas = [...fragment.querySelectorAll('code.math')];
  if (formulas.length > 0) void drawAll(formulas);
  return fragment;
}

function dressTable(table: HTMLTableElement): void {
  const scroll = document.createElement('div');
  scroll.className = 'table-scroll';
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'group');
  scroll.setAttribute('aria-label', words().table);
  table.replaceWith(scroll);
  scroll.append(table);
}

/** At once where formulas were met before, so that nothing jumps while a text is written. */
function drawAll(places: Element[]): Promise<void> | undefined {
  if (!math)
    return import('./math.js').then((loaded) => {
      math = loaded;
      void drawAll(places);
    });
  for (const place of places) {
    const node = math.formula(place.textContent, place.classList.contains('math-block'));
    if (node) place.replaceWith(node);
  }
  return undefined;
}
