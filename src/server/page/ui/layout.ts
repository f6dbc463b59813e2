/** What of the page is open, and how it looks: sidebar, panel, appearance. On a narrow window the two are drawers. */
import { effect, signal } from '@preact/signals';
import { readLocal, writeLocal } from '../model/local.js';

export type Theme = 'system' | 'light' | 'dark';
export type Overlay = 'help' | null;

const narrow = matchMedia('(max-width: 859px)');
export const isNarrow = signal(narrow.matches);
export const hasSidebar = signal(!narrow.matches && readLocal('sidebar') !== 'closed');
export const hasPanel = signal(!narrow.matches && readLocal('panel') === 'open');
export const overlay = signal<Overlay>(null);
export const theme = signal<Theme>(themeOf(readLocal('theme')));

function themeOf(kept: string | null): Theme {
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

narrow.addEventListener('change', () => {
  isNarrow.value = narrow.matches;
  hasSidebar.value = !narrow.matches;
  if (narrow.matches) hasPanel.value = false;
});

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function setTheme(value: Theme): void {
  theme.value = value;
  writeLocal('theme', value === 'system' ? null : value);
}

export function toggleSidebar(): void {
  hasSidebar.value = !hasSidebar.value;
  if (isNarrow.value) hasPanel.value = false;
  else writeLocal('sidebar', hasSidebar.value ? null : 'closed');
}

export function togglePanel(): void {
  hasPanel.value = !hasPanel.value;
  if (isNarrow.value) hasSidebar.value = false;
  else writeLocal('panel', hasPanel.value ? 'open' : null);
}

/** After a choice in a drawer, what was chosen is seen. */
export function closeDrawers(): void {
  if (!isNarrow.value) return;
  hasSidebar.value = false;
  hasPanel.value = false;
}

/** By fingers on glass it would open the keyboard. */
export const isTouched = matchMedia('(pointer: coarse)');

export function focusMessage(): void {
  if (!isTouched.matches) document.getElementById('message')?.focus();
}
