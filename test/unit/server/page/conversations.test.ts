// The list: which conversation is shown when several are read at a time, a start that fails, deletions with a way back here and in
// another tab.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { page } from './page-state.js';
import { conversation, turn } from './turns.js';

const list = await import('../../../../src/server/page/model/conversations.js');
const { notice } = await import('../../../../src/server/page/model/notices.js');
const { removing } = await import('../../../../src/server/page/model/removing.js');
const state = await import('../../../../src/server/page/model/state.js');

let store: Awaited<ReturnType<typeof page>>['store'];
const local = new Map<string, string>();
vi.stubGlobal('localStorage', {
  getItem: (name: string) => local.get(name) ?? null,
  setItem: (name: string, value: string) => void local.set(name, value),
  removeItem: (name: string) => void local.delete(name),
});

beforeEach(async () => {
  vi.useFakeTimers();
  ({ store } = await page());
  local.clear();
  removing.value = new Set();
  state.conversations.value = [];
  await list.openNew();
  for (const id of ['a', 'b'])
    await store.put(conversation(id), turn(`t${id}`, null, { conversation: id }));
  notice.value = null;
});
afterEach(() => {
  vi.useRealTimers();
});

const listed = () => list.listed.value.map(({ id }) => id).sort();
const one = (id: string) => state.conversations.value.find((each) => each.id === id)!;
const ids = async () => (await store.conversations()).map(({ id }) => id).sort();

/** Reads of turns wait until they are let go, by their order. */
function heldTurns(): (() => void)[] {
  const held: (() => void)[] = [];
  const { turns } = store;
  store.turns = async (id) => {
    const read = await turns.call(store, id);
    await new Promise<void>((resolve) => held.push(resolve));
    return read;
  };
  return held;
}

test('what was opened last is shown, whichever is read last', async () => {
  await list.startConversations();
  const held = heldTurns();
  const opened = [list.open('a'), list.open('b')];
  await vi.waitFor(() => expect(held).toHaveLength(2));
  held[1]!();
  held[0]!();
  await Promise.all(opened);
  expect(state.currentId.value).toBe('b');
  expect(state.turns.value.map(({ id }) => id)).toEqual(['tb']);
});

/** @returns what another tab's change calls */
async function startWatching(): Promise<(id: string) => void> {
  let changed = (_id: string) => {};
  const watch = (told: (id: string) => void) => {
    changed = told;
  };
  Object.assign(store, { watch });
  await list.startConversations();
  return changed;
}

test('a conversation that is begun while another tab’s change is read stays listed', async () => {
  const changed = await startWatching();
  const old = await store.conversations();
  let read = (_: typeof old) => {};
  const conversations = vi.spyOn(store, 'conversations');
  conversations.mockReturnValueOnce(
    new Promise((resolve) => {
      read = resolve;
    }),
  );
  changed('a');
  const { id } = state.current.value;
  await state.change(id, { title: 'new' }, turn('t', null, { conversation: id }));
  read(old);
  await vi.advanceTimersByTimeAsync(1);
  expect(conversations).toHaveBeenCalledTimes(2);
  expect(one(id)).toMatchObject({ title: 'new' });
});

test('a change in another tab takes nobody back', async () => {
  const changed = await startWatching();
  await list.open('a');
  const held = heldTurns();
  changed('a');
  await vi.waitFor(() => expect(held).toHaveLength(1));
  const opened = list.open('b');
  await vi.waitFor(() => expect(held).toHaveLength(2));
  held[1]!();
  await opened;
  held[0]!();
  await vi.advanceTimersByTimeAsync(1);
  expect(state.currentId.value).toBe('b');
});

test('what cannot be read or removed at the start is said, and the page begins', async () => {
  local.set('removing', 'a');
  state.isStarted.value = false;
  store.remove = () => Promise.reject(new Error('broken'));
  await list.startConversations();
  expect(notice.value?.text).toBe('The conversation was not deleted: broken');
  expect([state.isStarted.value, listed()]).toEqual([true, ['a', 'b']]);
  state.isStarted.value = false;
  store.conversations = () => Promise.reject(new Error('broken'));
  await list.startConversations();
  expect(notice.value?.text).toBe('What this browser keeps could not be read: broken');
  expect(state.isStarted.value).toBe(true);
});

test('each deletion can be taken back for as long as it is offered', async () => {
  await list.startConversations();
  list.remove(one('a'));
  await vi.advanceTimersByTimeAsync(9000);
  list.remove(one('b'));
  const offer = notice.value!;
  await vi.advanceTimersByTimeAsync(2000);
  expect(await ids()).toEqual(['b']);
  expect(notice.value).toBe(offer);
  offer.action!.run();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await ids()).toEqual(['b']);
  expect([listed(), local.get('removing')]).toEqual([['b'], undefined]);
});

test('a deletion is noted beside those of other tabs, with its time', async () => {
  await list.startConversations();
  const now = Date.now();
  local.set('removing', `x@${now}`);
  list.remove(one('a'));
  expect(local.get('removing')).toBe(`x@${now} a@${now}`);
  notice.value!.action!.run();
  expect(local.get('removing')).toBe(`x@${now}`);
});

test('a tab that opens meanwhile leaves deletions to be taken back, and forgets none', async () => {
  await list.startConversations();
  local.set('removing', `a@${Date.now() - 4000} b@${Date.now() - 4000} old`);
  await store.put(conversation('old'));
  await list.startConversations();
  expect([await ids(), listed()]).toEqual([['a', 'b'], []]);
  // In the other tab.
  local.set('removing', local.get('removing')!.replace(/ ?b@\d+/, ''));
  await vi.advanceTimersByTimeAsync(6000);
  expect([await ids(), listed()]).toEqual([['b'], ['b']]);
  expect(local.get('removing')).toBeUndefined();
});

test('a search finds what is written or read in after it', async () => {
  await list.startConversations();
  await list.search('apple');
  expect(listed()).toEqual([]);
  await state.change('a', {}, turn('new', 'ta', { conversation: 'a', text: 'An apple' }));
  await store.put(conversation('c'), turn('tc', null, { conversation: 'c', text: 'Apples' }));
  await vi.advanceTimersByTimeAsync(1);
  expect(listed()).toEqual(['a']);
  const changed = await startWatching();
  changed('c');
  await vi.advanceTimersByTimeAsync(1);
  expect(listed()).toEqual(['a', 'c']);
  await list.search('');
});
