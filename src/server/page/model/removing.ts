/**
 * Conversations that were deleted, but for the reader's second thoughts: not listed, and noted in the browser with the time. A page
 * that was closed meanwhile leaves its own to the next one; other tabs note theirs in the same place.
 */
import { signal } from '@preact/signals';
import { readLocal, writeLocal } from './local.js';
import type { Id } from './types.js';

const KEPT_AS = 'removing';
export const UNDO_MS = 10_000;
export const removing = signal<ReadonlySet<Id>>(new Set());

export function hide(id: Id): void {
  removing.value = new Set(removing.value).add(id);
}

export function note(id: Id): void {
  write(noted().set(id, Date.now()));
}

/** It is removed, or taken back. */
export function forget(id: Id): void {
  removing.value = new Set([...removing.value].filter((one) => one !== id));
  const left = noted();
  if (left.delete(id)) write(left);
}

/** When each was deleted, here or in another tab. */
export function noted(): Map<Id, number> {
  const all = (readLocal(KEPT_AS) ?? '').split(' ').filter(Boolean);
  return new Map(
    all.map((one) => {
      const [id = '', time] = one.split('@');
      return [id, Number(time) || 0];
    }),
  );
}

function write(all: ReadonlyMap<Id, number>): void {
  writeLocal(KEPT_AS, [...all].map(([id, time]) => `${id}@${time}`).join(' ') || null);
}
