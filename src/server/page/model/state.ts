/**
 * What the page shows now, as signals: the conversations, the one that is open with all its turns, the branch of it that is seen.
 * Every change goes through `change`, which shows it first and keeps it then, so that a full disk costs a message and no words.
 */
import { batch, computed, signal } from '@preact/signals';
import type { Client } from '../wire/client.js';
import { words } from '../words/words.js';
import { newId } from './new-id.js';
import { reason, tell } from './notices.js';
import { startSettings } from './start-settings.js';
import { StorageFull, type Store } from './store.js';
import { branch } from './tree.js';
import type { Conversation, Id, Turn } from './types.js';

/** Filled before anything is drawn. */
export const parts = {} as { store: Store; client: Client };

export function emptyConversation(): Conversation {
  const now = Date.now();
  return {
    id: newId(),
    title: '',
    created: now,
    changed: now,
    leaf: null,
    settings: startSettings(),
  };
}

/** Those that are kept, newest change first. */
export const conversations = signal<readonly Conversation[]>([]);
/** One that nobody wrote to yet; it is kept with its first turn. */
export const unsaved = signal<Conversation>(emptyConversation());
export const currentId = signal<Id>(unsaved.value.id);

export const current = computed<Conversation>(
  () => conversations.value.find(({ id }) => id === currentId.value) ?? unsaved.value,
);
/** Whether what is kept was read: before, nothing is known to be empty. */
export const isStarted = signal(false);
/** All branches of the current one, oldest first. */
export const turns = signal<readonly Turn[]>([]);
/** The branch that is shown. */
export const shown = computed<readonly Turn[]>(() => branch(turns.value, current.value.leaf));

const byId = (id: Id): Conversation | undefined =>
  conversations.value.find((one) => one.id === id) ??
  (unsaved.value.id === id ? unsaved.value : undefined);

/**
 * New values of a conversation, and turns of it that are new or otherwise. One that nobody wrote to is changed, not kept.
 * Nothing happens to one that was deleted meanwhile.
 */
export async function change(
  id: Id,
  values: Partial<Conversation>,
  ...changed: Turn[]
): Promise<void> {
  const old = byId(id);
  if (!old) return;
  const next = { ...old, ...values, changed: changed.length > 0 ? Date.now() : old.changed };
  const isNew = old === unsaved.value;
  if (isNew && changed.length === 0) {
    unsaved.value = next;
    return;
  }
  batch(() => {
    const others = conversations.value.filter((one) => one.id !== id);
    conversations.value = [next, ...others].sort((a, b) => b.changed - a.changed);
    if (id === currentId.value) turns.value = merged(turns.value, changed);
    if (isNew) unsaved.value = emptyConversation();
  });
  await kept(() => parts.store.put(next, ...changed));
}

function merged(old: readonly Turn[], changed: readonly Turn[]): readonly Turn[] {
  if (changed.length === 0) return old;
  const fresh = new Map(changed.map((turn) => [turn.id, turn]));
  const same = old.map((turn) => {
    const next = fresh.get(turn.id);
    fresh.delete(turn.id);
    return next ?? turn;
  });
  return [...same, ...fresh.values()];
}

/** Counts what was kept: what is searched has changed. */
export const nKept = signal(0);

/** Says so where it could not be kept, and never fails; it stays as long as the page. @returns whether it is kept */
export async function kept(keep: () => Promise<void>): Promise<boolean> {
  try {
    await keep();
    nKept.value += 1;
    return true;
  } catch (error) {
    const { storageFull, notStored } = words();
    const text = error instanceof StorageFull ? storageFull : notStored(reason(error));
    tell(text, { isUrgent: true });
    return false;
  }
}
