import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeptStore } from '../../../../src/server/page/model/kept-store.js';
import { MemoryStore } from '../../../../src/server/page/model/memory-store.js';
import { SpillingStore } from '../../../../src/server/page/model/spilling-store.js';
import { openStore, StorageFull, type Store } from '../../../../src/server/page/model/store.js';
import { conversation, picture, turn } from './turns.js';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const makers: Record<string, () => Promise<Store>> = {
  kept: () => KeptStore.open(),
  'in memory': async () => new MemoryStore(),
  'with room': async () => new SpillingStore(await KeptStore.open()),
};

describe.each(Object.entries(makers))('%s', (_, open) => {
  test('what was put comes back: conversations by change, turns by age, whole blobs', async () => {
    const store = await open();
    await store.put(conversation('old', { changed: 1 }));
    const second = turn('t2', 't1', { created: 2 });
    const first = turn('t1', null, { created: 1, media: [picture('p')] });
    await store.put(conversation('c', { changed: 2 }), second, first);
    await store.addMedia(new Blob(['abc'], { type: 'image/png' }), picture('p'));

    expect((await store.conversations()).map(({ id }) => id)).toEqual(['c', 'old']);
    expect(await store.turns('c')).toEqual([first, second]);
    expect(await (await store.media('p'))!.text()).toBe('abc');
    expect(await store.media('other')).toBeUndefined();
  });

  test('a turn put again is the new one', async () => {
    const store = await open();
    await store.put(conversation('c'), turn('t', null, { text: 'a' }));
    await store.put(conversation('c'), turn('t', null, { text: 'ab' }));
    expect((await store.turns('c')).map(({ text }) => text)).toEqual(['ab']);
  });

  test('with a conversation go its turns and the media that nobody else uses', async () => {
    const store = await open();
    for (const id of ['mine', 'shared']) await store.addMedia(new Blob([id]), picture(id));
    const media = [picture('mine'), picture('shared')];
    await store.put(conversation('c'), turn('t', null, { media }));
    const other = turn('u', null, { conversation: 'd', media: [picture('shared')] });
    await store.put(conversation('d'), other);

    await store.remove('c');
    expect((await store.conversations()).map(({ id }) => id)).toEqual(['d']);
    expect(await store.turns('c')).toEqual([]);
    expect(await store.media('mine')).toBeUndefined();
    expect(await store.media('shared')).toBeDefined();
    await store.remove('d');
    expect(await store.media('shared')).toBeUndefined();
  });

  test('search reads titles and texts, without case, accents and widths', async () => {
    const store = await open();
    await store.put(conversation('a', { title: 'Über Katzen', changed: 1 }));
    await store.put(
      conversation('b', { changed: 2 }),
      turn('t', null, { conversation: 'b', text: 'Ｃａｆé 图片' }),
    );
    expect(await store.search('uber')).toEqual(['a']);
    expect(await store.search('CAFE')).toEqual(['b']);
    expect(await store.search('图片')).toEqual(['b']);
    expect(await store.search('dog')).toEqual([]);
    expect(await store.search('')).toEqual(['b', 'a']);
  });
});

test('search knows what changed since, here and in another tab', async () => {
  const [one, other] = [await KeptStore.open(), await KeptStore.open()];
  await one.put(conversation('c'), turn('t', null, { text: 'first' }));
  expect(await one.search('first')).toEqual(['c']);
  await one.put(conversation('c'), turn('t', null, { text: 'second' }));
  expect(await one.search('first')).toEqual([]);
  const told = new Promise((resolve) => one.watch(resolve));
  await other.put(conversation('c'), turn('u', null, { text: 'third' }));
  await told;
  expect(await one.search('third')).toEqual(['c']);
});

test('the other tab is told, this one is not', async () => {
  const [one, other] = [await KeptStore.open(), await KeptStore.open()];
  const heard: string[] = [];
  const listen = (name: string) => (id: string) => void heard.push(`${name} ${id}`);
  one.watch(listen('one'));
  const told = new Promise((resolve) => other.watch(resolve));
  const end = other.watch(listen('other'));
  await one.put(conversation('c'));
  await told;
  expect(heard).toEqual(['other c']);
  end();
});

test('a full disk is said as such, and nothing of the change is kept', async () => {
  const store = await KeptStore.open();
  await store.put(conversation('c', { title: 'before' }));
  const put = IDBObjectStore.prototype.put;
  const full = new DOMException('full', 'QuotaExceededError');
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(() => {
    throw full;
  });
  await expect(store.addMedia(new Blob(['a']), picture('p'))).rejects.toThrow(StorageFull);
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, v) {
    if (this.name === 'turns') throw full;
    return put.call(this, v);
  });
  const later = conversation('c', { title: 'after' });
  await expect(store.put(later, turn('t', null))).rejects.toThrow(StorageFull);
  expect((await store.conversations())[0]!.title).toBe('before');
});

test('what there is no room for is held, said as such, and kept once there is room', async () => {
  const kept = new MemoryStore();
  const store = new SpillingStore(kept);
  await store.put(conversation('old'), turn('o', null, { conversation: 'old' }));
  await store.put(conversation('c'), turn('a', null, { created: 1 }));
  const full = [vi.spyOn(kept, 'put'), vi.spyOn(kept, 'addMedia')];
  for (const spy of full) spy.mockRejectedValue(new StorageFull());
  const media = [picture('p')];
  await expect(store.addMedia(new Blob(['abc']), media[0]!)).rejects.toThrow(StorageFull);
  const later = turn('b', 'a', { created: 2, media, text: 'new' });
  await expect(store.put(conversation('c', { title: 'T' }), later)).rejects.toThrow(StorageFull);
  const isWhole = async (from: Store) => {
    expect((await from.turns('c')).map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await from.conversations()).find(({ id }) => id === 'c')!.title).toBe('T');
    expect(await (await from.media('p'))!.text()).toBe('abc');
    expect(await from.search('new')).toEqual(['c']);
  };
  await isWhole(store);
  for (const spy of full) spy.mockRestore();
  await store.remove('old');
  await isWhole(store);
  await isWhole(kept);
});

test('media of a question that was never asked go after a day', async () => {
  const store = await KeptStore.open();
  for (const id of ['used', 'unused']) await store.addMedia(new Blob([id]), picture(id));
  await store.put(conversation('c'), turn('t', null, { media: [picture('used')] }));
  await store.sweep();
  expect(await store.media('unused')).toBeDefined();
  await store.sweep(Date.now() + 2 * 86_400_000);
  expect(await store.media('unused')).toBeUndefined();
  expect(await store.media('used')).toBeDefined();
});

test('a change that is kept lets nothing go that a later one holds', async () => {
  const kept = new MemoryStore();
  const store = new SpillingStore(kept);
  let keep = () => {};
  const put = vi.spyOn(kept, 'put');
  put.mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        keep = resolve;
      }),
  );
  put.mockRejectedValueOnce(new StorageFull());
  const first = store.put(conversation('c'), turn('t', null, { text: 'a' }));
  const second = store.put(conversation('c'), turn('t', null, { text: 'ab' }));
  second.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve));
  keep();
  await first;
  await expect(second).rejects.toThrow(StorageFull);
  expect((await store.turns('c')).map(({ text }) => text)).toEqual(['ab']);
});

test('where the browser gives no storage, memory serves', async () => {
  expect((await openStore()).isKept).toBe(true);
  vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('not here', 'SecurityError');
  });
  const store = await openStore();
  expect(store.isKept).toBe(false);
  await store.put(conversation('c'));
  expect(await store.conversations()).toHaveLength(1);
});
