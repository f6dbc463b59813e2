/** A block of code: its language, a button that copies it, and colours once it is complete and seen. */
import { words } from '../words/words.js';
import { copyText } from './copy.js';
import { safeFragment } from './safe-html.js';

/** Beyond this, colours cost more than they help. */
const MAX_COLOURED = 50_000;
const COPIED_MS = 2000;

/** @param isOpen whether it is still written */
export function dressCode(pre: HTMLPreElement, isOpen: boolean): void {
  const code = pre.querySelector('code') ?? pre;
  const language = /(?:^|\s)language-(\S+)/.exec(code.className)?.[1] ?? '';
  const block = document.createElement('div');
  block.className = 'code-block';
  block.dir = 'ltr';
  const head = document.createElement('div');
  head.className = 'code-head';
  const label = document.createElement('span');
  label.textContent = language;
  head.append(label, copyButton(code));
  pre.replaceWith(block);
  // Who has no pointer scrolls it by its focus.
  pre.tabIndex = 0;
  block.append(head, pre);
  if (!isOpen && code.textContent.length <= MAX_COLOURED && language !== '')
    whenSeen(code, language);
}

function copyButton(code: Element): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'code-copy';
  button.textContent = words().copy;
  button.addEventListener('click', async () => {
    const isDone = await copyText(code.textContent.replace(/\n$/, ''));
    button.textContent = isDone ? words().copied : words().copyFailed;
    setTimeout(() => {
      button.textContent = words().copy;
    }, COPIED_MS);
  });
  return button;
}

const languages = new WeakMap<Element, string>();

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      void colour(target, languages.get(target)!);
    }
  },
  { rootMargin: '400px' },
);

function whenSeen(code: Element, language: string): void {
  languages.set(code, language);
  near.observe(code);
}

async function colour(code: Element, language: string): Promise<void> {
  const { coloured } = await import('./highlight.js');
  const html = coloured(code.textContent, language);
  if (html !== undefined) code.replaceChildren(safeFragment(html));
}
