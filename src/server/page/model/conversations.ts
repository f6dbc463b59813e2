/**
 * The list: opening, renaming, deleting with a way back, search, files out and in. The open conversation is named in the
 * address after '#', so that the browser's own back and forward work.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import { words } from '../words/words.js';
import { liveIn } from './answering.js';
import { type Notice, notice, reason, tell } from './notices.js';
import { forget, hide, note, noted, removing, UNDO_MS } from './removing.js';
import { keepAsStart } from './start-settings.js';
import {
  change,
  conversations,
  current,
  currentId,
  isStarted,
  nKept,
  parts,
  turns,
  unsaved,
} from './state.js';
import type { Conversation, Id, Settings } from './types.js';

export const query = signal('');
const found = signal<ReadonlySet<Id> | null>(null);

/** What the list shows. */
export const listed = computed(() =>
  conversations.value.filter(
    ({ id }) => !removing.value.has(id) && (!found.value || found.value.has(id)),
  ),
);

/** Reads the list, and opens what the address names. What cannot be read is said, and new ones can be begun. */
export async function startConversations(): Promise<void> {
  try {
    await takeUpRemovals();
    conversations.value = await parts.store.conversations();
    await openAddressed();
  } catch (error) {
    tellUnread(error);
  } finally {
    isStarted.value = true;
  }
  addEventListener('popstate', () => void openAddressed());
  parts.store.watch((id) => void changedElsewhere(id).catch(tellUnread));
}

/** Those of pages that were closed meanwhile; another tab may still take its own back. */
async function takeUpRemovals(): Promise<void> {
  for (const [id, time] of noted()) {
    const left = time + UNDO_MS - Date.now();
    if (left <= 0) {
      await removeNow(id);
      continue;
    }
    hide(id);
    setTimeout(() => (noted().has(id) ? void removeNow(id) : forget(id)), left);
  }
}

function tellUnread(error: unknown): void {
  tell(words().notRead(reason(error)), { isUrgent: true });
}

async function openAddressed(): Promise<void> {
  const id = location.hash.slice(1);
  const isKnown = conversations.value.some((one) => one.id === id);
  await show(isKnown ? id : unsaved.value.id);
}

/** A conversation that was begun here has its name in the address from then on. */
effect(() => {
  const { id } = current.value;
  const isKept = conversations.value.some((one) => one.id === id);
  if (isKept && location.hash === '') history.replaceState(null, '', `#${id}`);
});

let wanted: Id = currentId.value;
let nAsked = 0;

/** What was asked for last is shown, whichever is read last. @param isFresh whether what was read may still be shown */
async function show(id: Id, isFresh = () => true): Promise<void> {
  wanted = id;
  const own = ++nAsked;
  const isKept = conversations.value.some((one) => one.id === id);
  const read = isKept ? await parts.store.turns(id).catch(tellUnread) : [];
  if (own !== nAsked) return;
  if (!read || !isFresh()) {
    wanted = currentId.value;
    return;
  }
  batch(() => {
    currentId.value = id;
    turns.value = read;
  });
}

export async function open(id: Id): Promise<void> {
  if (id === wanted) return;
  history.pushState(null, '', `#${id}`);
  await show(id);
}

export async function openNew(): Promise<void> {
  if (wanted === unsaved.value.id) return;
  history.pushState(null, '', location.pathname + location.search);
  await show(unsaved.value.id);
}

/** Another tab wrote: what is written here wins, for it is newer. */
async function changedElsewhere(id: Id): Promise<void> {
  await readList();
  if (id !== wanted || liveIn(id)) return;
  const isGone = !conversations.value.some((one) => one.id === id);
  await show(isGone ? unsaved.value.id : id, () => !liveIn(id));
}

/** Again where something changed here meanwhile, which what was read may not have yet. */
async function readList(): Promise<void> {
  const before = conversations.value;
  const read = await parts.store.conversations();
  if (conversations.value !== before) return readList();
  conversations.value = read;
}

export function rename({ id }: Conversation, title: string): void {
  if (title.trim() !== '') void change(id, { title: title.trim() });
}

export function setSettings(values: Partial<Settings>): void {
  const settings = { ...current.value.settings, ...values };
  keepAsStart(settings);
  void change(current.value.id, { settings });
}

export function remove({ id, title }: Conversation): void {
  liveIn(id)?.abort.abort();
  hide(id);
  note(id);
  const timer = setTimeout(() => void removeNow(id, told), UNDO_MS);
  const run = () => {
    clearTimeout(timer);
    forget(id);
  };
  if (id === wanted) void openNew();
  const told = tell(words().removed(title), { action: { label: words().undo, run } });
}

/** @param told offered to take it back */
async function removeNow(id: Id, told?: Notice): Promise<void> {
  if (told && notice.value === told) notice.value = null;
  try {
    await parts.store.remove(id);
    conversations.value = conversations.value.filter((one) => one.id !== id);
  } catch (error) {
    tell(words().notRemoved(reason(error)), { isUrgent: true });
  }
  forget(id);
}

/** The newest query alone is shown, whichever search ends last. */
export async function search(text: string): Promise<void> {
  query.value = text;
  if (text.trim() === '') {
    found.value = null;
    return;
  }
  const ids = await parts.store.search(text.trim());
  if (query.value === text) found.value = new Set(ids);
}

/** What is written or read in meanwhile may have it, too. */
effect(() => {
  void [nKept.value, conversations.value];
  if (query.peek().trim() !== '') void search(query.peek()).catch(tellUnread);
});

/** Read from the server when it is first wanted. */
export const transfer = () => import('./transfer.js');

export async function saveAsJson(which: readonly Conversation[]): Promise<void> {
  const ids = which.map(({ id }) => id);
  const name = which.length === 1 ? fileName(which[0]!) : 'conversations';
  await save(async () => (await transfer()).exportJson(parts.store, ids), `${name}.json`);
}

export async function saveAsMarkdown(one: Conversation): Promise<void> {
  await save(
    async () => (await transfer()).exportMarkdown(parts.store, one.id),
    `${fileName(one)}.md`,
  );
}

const fileName = ({ title }: Conversation): string =>
  title
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60) || 'conversation';

async function save(make: () => Promise<Blob>, name: string): Promise<void> {
  try {
    const url = URL.createObjectURL(await make());
    Object.assign(document.createElement('a'), { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    tell(words().notExported(reason(error)), { isUrgent: true });
  }
}

export async function importFrom(file: File): Promise<void> {
  try {
    const { importJson, importMarkdown } = await transfer();
    const isMarkdown = /\.(?:md|markdown)$/i.test(file.name);
    const added = await (isMarkdown ? importMarkdown : importJson)(parts.store, file);
    await readList();
    tell(words().imported(added.length));
    if (added[0]) await open(added[0].id);
  } catch (error) {
    tell(words().notImported(reason(error)), { isUrgent: true });
  }
}
