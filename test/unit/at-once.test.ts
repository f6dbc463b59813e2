// Work for many items at a time: how many, how far ahead, what ends it.
import { expect, it } from 'vitest';
import { forEachAtOnce, mapAtOnce } from '../../src/at-once.js';
import { gate } from '../support/fake-model.js';

async function collected<R>(results: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const result of results) all.push(result);
  return all;
}

it.each([
  ['an array', [3, 1, 2]],
  ['a set', new Set([3, 1, 2])],
  [
    'a stream',
    (async function* () {
      yield* [3, 1, 2];
    })(),
  ],
])('takes %s', async (_, items) => {
  const results = await collected(mapAtOnce(items, { limit: 2 }, async (item) => item * 10));
  expect(results.sort()).toEqual([10, 20, 30]);
});

it('has no more under way than it may, unread results included, and takes no item before its turn', async () => {
  let [taken, running, most] = [0, 0, 0];
  function* endless() {
    for (;;) yield taken++;
  }
  const results = mapAtOnce(endless(), { limit: 3 }, async (item) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    return item;
  });
  for (let read = 1; read <= 100; read++) {
    await results.next();
    await new Promise((resolve) => setTimeout(resolve, read % 10 === 0 ? 2 : 0));
    expect(taken).toBeLessThanOrEqual(read + 3);
  }
  await results.return(undefined);
  expect([running, most]).toEqual([0, 3]);
});

it('stops at the first failure, waits for the others and ends the source', async () => {
  const events: string[] = [];
  function* items() {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      events.push('source ended');
    }
  }
  const failing = forEachAtOnce(items(), { limit: 2 }, async (item, signal) => {
    if (item === 3) throw new Error('third');
    if (item < 3) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    events.push('other ended');
    throw new Error('late');
  });
  await expect(failing).rejects.toThrow('third');
  expect(events.at(-1)).toBe('source ended');
});

it('hands on what the source throws', async () => {
  const items = async function* () {
    yield 1;
    throw new Error('torn');
  };
  await expect(forEachAtOnce(items(), { limit: 2 }, async () => {})).rejects.toThrow('torn');
});

it('an abort ends it, even while the source is waited for', async () => {
  const controller = new AbortController();
  const { opened, open } = gate();
  const never = async function* () {
    yield 1;
    open();
    await new Promise(() => {});
  };
  const run = collected(mapAtOnce(never(), { limit: 2, signal: controller.signal }, async () => 1));
  await opened;
  controller.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
});
