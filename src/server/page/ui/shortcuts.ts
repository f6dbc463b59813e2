/** Keys that work everywhere on the page. Single letters alone do nothing: they would get in the way of who speaks to the page. */
import { liveIn } from '../model/answering.js';
import { stop } from '../model/asking.js';
import { openNew } from '../model/conversations.js';
import { current } from '../model/state.js';
import {
  closeDrawers,
  focusMessage,
  hasPanel,
  hasSidebar,
  isNarrow,
  overlay,
  togglePanel,
  toggleSidebar,
} from './layout.js';

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (document.querySelector('dialog[open]')) return;
    const run = found(event);
    if (!run) return;
    event.preventDefault();
    run();
  });
}

function found(event: KeyboardEvent): (() => void) | undefined {
  const key = event.key.toLowerCase();
  if (isMac ? event.metaKey : event.ctrlKey) return withModifier(key, event.shiftKey);
  if (key === 'escape' && event.shiftKey) return toMessage;
  // A menu closes first, by itself.
  if (key === 'escape' && document.querySelector(':popover-open')) return undefined;
  if (key === 'escape' && isNarrow.value && (hasSidebar.value || hasPanel.value))
    return closeDrawers;
  if (key === 'escape' && liveIn(current.value.id)) return stop;
  if (event.altKey && (key === 'arrowup' || key === 'arrowdown') && !isAttachment())
    return () => walk(key === 'arrowup' ? -1 : 1);
  if (key === '?' && !isTyping())
    return () => {
      overlay.value = 'help';
    };
  return undefined;
}

function toMessage(): void {
  closeDrawers();
  requestAnimationFrame(focusMessage);
}

function withModifier(key: string, isShifted: boolean): (() => void) | undefined {
  if (key === 'o' && isShifted) return () => void openNew().then(focusMessage);
  if (isShifted) return undefined;
  const plain: Record<string, () => void> = {
    k: () => {
      if (!hasSidebar.value) toggleSidebar();
      requestAnimationFrame(() => document.getElementById('search')?.focus());
    },
    b: toggleSidebar,
    '.': togglePanel,
    u: () => document.getElementById('files')?.click(),
  };
  return plain[key];
}

const isTyping = (): boolean =>
  document.activeElement?.matches('textarea, select, input:not([type=range], [type=checkbox])') ??
  false;

const isAttachment = (): boolean => document.activeElement?.matches('.attachment') ?? false;

/** To the turn before or after the one that has the focus; from elsewhere, to the newest. */
function walk(step: number): void {
  const turns = [...document.querySelectorAll<HTMLElement>('.turn')];
  const at = turns.findIndex((turn) => turn.contains(document.activeElement));
  const next = at === -1 ? turns.at(-1) : turns[at + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
