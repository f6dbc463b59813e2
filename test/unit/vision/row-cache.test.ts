// Rows by content: hits, eviction, one job for many, waiters that leave, files that lie.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RowCache, type RowRequest, rowKey } from '../../../src/vision/row-cache.js';
import { RowFiles } from '../../../src/vision/row-files.js';
import { eventually } from '../../support/eventually.js';
import { gate } from '../../support/fake-model.js';

const KEY = 'a'.repeat(64);
const rows = (...values: number[]) => Float32Array.from(values);
const giving = (data: Float32Array) => vi.fn(async () => data);
const never = giving(rows());

function memory(maxBytes = 1000) {
  return new RowCache({ maxBytes, files: null });
}

describe('in memory', () => {
  it('encodes a key once', async () => {
    const cache = memory();
    const data = rows(1, 2);
    expect(await cache.get(KEY, { nValues: 2, encode: giving(data) })).toEqual({
      data,
      isCached: false,
    });
    const again = await cache.get(KEY, { nValues: 2, encode: never });
    expect(again.isCached).toBe(true);
    expect(again.data).toBe(data);
    expect(never).not.toHaveBeenCalled();
  });

  it('keeps keys apart', async () => {
    const cache = memory();
    await cache.get('one', { nValues: 2, encode: giving(rows(1)) });
    const { data, isCached } = await cache.get('two', { nValues: 2, encode: giving(rows(2)) });
    expect([...data, isCached]).toEqual([2, false]);
  });

  it('lets the least recently used go when its bytes are full', async () => {
    const cache = memory(16);
    for (const key of ['a', 'b', 'a', 'c', 'd'])
      await cache.get(key, { nValues: 2, encode: giving(rows(1, 2)) });
    expect(cache.bytes).toBe(16);
    const isCached = async (key: string) =>
      (await cache.get(key, { nValues: 2, encode: giving(rows(1, 2)) })).isCached;
    expect(await isCached('d')).toBe(true);
    expect(await isCached('c')).toBe(true);
    expect(await isCached('a')).toBe(false);
  });

  it('counts a hit as use', async () => {
    const cache = memory(16);
    for (const key of ['a', 'b', 'a', 'c'])
      await cache.get(key, { nValues: 2, encode: giving(rows(1, 2)) });
    expect((await cache.get('a', { nValues: 2, encode: never })).isCached).toBe(true);
    expect((await cache.get('b', { nValues: 2, encode: giving(rows(1, 2)) })).isCached).toBe(false);
  });

  it('does not keep what is larger than all of it, nor anything at 0', async () => {
    for (const maxBytes of [4, 0]) {
      const cache = memory(maxBytes);
      await cache.get(KEY, { nValues: 2, encode: giving(rows(1, 2)) });
      expect(cache.bytes).toBe(0);
      expect((await cache.get(KEY, { nValues: 2, encode: giving(rows(1, 2)) })).isCached).toBe(
        false,
      );
    }
  });

  it('does not keep failures', async () => {
    const cache = memory();
    const failing = vi.fn(async () => Promise.reject(new Error('broken')));
    await expect(cache.get(KEY, { nValues: 2, encode: failing })).rejects.toThrow('broken');
    expect((await cache.get(KEY, { nValues: 2, encode: giving(rows(1)) })).isCached).toBe(false);
  });
});

describe('several at once', () => {
  function slow(data: Float32Array) {
    const { opened, open } = gate();
    const signals: AbortSignal[] = [];
    const encode: RowRequest['encode'] = vi.fn(async (signal, onTile) => {
      signals.push(signal);
      await Promise.race([
        opened,
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 10));
        }),
      ]);
      onTile(1, 1);
      return data;
    });
    return { nValues: 2, encode, open, signals };
  }

  it('share one encoding, and hear of its tiles', async () => {
    const cache = memory();
    const { encode, open } = slow(rows(7));
    const [first, second] = [vi.fn(), vi.fn()];
    const both = [
      cache.get(KEY, { nValues: 2, encode, onTile: first }),
      cache.get(KEY, { nValues: 2, encode: never, onTile: second }),
    ];
    open();
    const [a, b] = await Promise.all(both);
    expect([a!.isCached, b!.isCached]).toEqual([false, true]);
    expect(b!.data).toBe(a!.data);
    expect(encode).toHaveBeenCalledTimes(1);
    expect(first.mock.calls).toEqual([[1, 1]]);
    expect(second.mock.calls).toEqual([[1, 1]]);
  });

  it('fail together', async () => {
    const cache = memory();
    const encode = async () => Promise.reject(new Error('broken'));
    const both = [
      cache.get(KEY, { nValues: 2, encode }),
      cache.get(KEY, { nValues: 2, encode: never }),
    ];
    for (const result of await Promise.allSettled(both))
      expect(result).toMatchObject({ status: 'rejected', reason: { message: 'broken' } });
  });

  it('go on when the one that began leaves', async () => {
    const cache = memory();
    const { encode, open, signals } = slow(rows(7));
    const leaving = new AbortController();
    const first = cache.get(KEY, { nValues: 2, encode, signal: leaving.signal });
    const second = cache.get(KEY, { nValues: 2, encode: never });
    await eventually(() => expect(signals).toHaveLength(1));
    leaving.abort('left');
    await expect(first).rejects.toBe('left');
    expect(signals[0]!.aborted).toBe(false);
    open();
    expect([...(await second).data]).toEqual([7]);
  });

  it('use the means of one who still waits', async () => {
    const { opened, open } = gate();
    const files = { read: () => opened.then(() => null), write: () => {} } as unknown as RowFiles;
    const cache = new RowCache({ maxBytes: 100, files });
    const leaving = new AbortController();
    const first = cache.get(KEY, { nValues: 2, encode: never, signal: leaving.signal });
    const second = cache.get(KEY, { nValues: 2, encode: giving(rows(8)) });
    leaving.abort('left');
    await expect(first).rejects.toBe('left');
    open();
    expect([...(await second).data]).toEqual([8]);
    expect(never).not.toHaveBeenCalled();
  });

  it('stop encoding when all have left, and have stopped when they hear so', async () => {
    const cache = memory();
    const { encode, signals } = slow(rows(7));
    const leaving = new AbortController();
    const both = [1, 2].map(() => cache.get(KEY, { nValues: 2, encode, signal: leaving.signal }));
    await eventually(() => expect(signals).toHaveLength(1));
    leaving.abort('left');
    for (const result of await Promise.allSettled(both))
      expect(result).toEqual({ status: 'rejected', reason: 'left' });
    expect(signals[0]!.aborted).toBe(true);
    // A new request does not join the dying job.
    expect((await cache.get(KEY, { nValues: 2, encode: giving(rows(9)) })).data[0]).toBe(9);
  });

  it('a listener that throws fails its own request alone', async () => {
    const cache = memory();
    const { encode, open } = slow(rows(7));
    const onTile = () => {
      throw new Error('mine');
    };
    const first = cache.get(KEY, { nValues: 2, encode, onTile });
    const second = cache.get(KEY, { nValues: 2, encode: never });
    open();
    await expect(first).rejects.toThrow('mine');
    expect([...(await second).data]).toEqual([7]);
  });
});

describe('in files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'row-files-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const open = async (maxBytes = 0) =>
    new RowCache({ maxBytes, files: await RowFiles.open(join(dir, 'new')) });
  const path = () => join(dir, 'new', `${KEY}.rows`);

  async function stored(data: Float32Array): Promise<void> {
    const cache = await open();
    await cache.get(KEY, { nValues: data.length, encode: giving(data) });
    await cache.close();
  }

  it('rows outlive the process', async () => {
    const data = rows(1.5, -2, Number.EPSILON);
    await stored(data);
    expect(readdirSync(join(dir, 'new'))).toEqual([`${KEY}.rows`]);
    const request = { nValues: 3, encode: never };
    expect(await (await open()).get(KEY, request)).toEqual({ data, isCached: true });
  });

  it.each<[string, (path: string) => void]>([
    ['cut off', (file) => truncateSync(file, 44)],
    ['empty', (file) => truncateSync(file, 0)],
    ['of another kind', (file) => writeFileSync(file, 'x'.repeat(48))],
    [
      'changed in one bit',
      (file) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(file, bytes);
      },
    ],
  ])('a file that is %s counts as absent and is replaced', async (_, damage) => {
    const data = rows(3, 4);
    await stored(data);
    damage(path());
    const cache = await open();
    expect((await cache.get(KEY, { nValues: 2, encode: giving(data) })).isCached).toBe(false);
    await cache.close();
    expect((await (await open()).get(KEY, { nValues: 2, encode: never })).isCached).toBe(true);
  });

  it.each([
    ['of fewer rows', rows(3)],
    ['of more rows', rows(3, 4, 5, 6)],
    ['with a value that is no number', rows(3, Number.NaN)],
    ['with an infinite value', rows(Number.POSITIVE_INFINITY, 4)],
  ])('a whole file %s is not used', async (_, other) => {
    await stored(other);
    const cache = await open();
    const { data, isCached } = await cache.get(KEY, { nValues: 2, encode: giving(rows(3, 4)) });
    expect([...data, isCached]).toEqual([3, 4, false]);
    await cache.close();
  });

  it('a folder that cannot be written costs nothing but the cache', async () => {
    const cache = await open();
    rmSync(join(dir, 'new'), { recursive: true });
    expect([...(await cache.get(KEY, { nValues: 2, encode: giving(rows(5)) })).data]).toEqual([5]);
    await cache.close();
  });

  it('a folder that cannot be made is refused', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(RowFiles.open(join(dir, 'file', 'x'))).rejects.toMatchObject({
      code: 'ERR_WRITE',
      path: join(dir, 'file', 'x'),
    });
  });
});

it('a key tells pixels, plans, towers and scopes apart', () => {
  const keys = [
    rowKey('h', { kind: 'pad', rows: 730 }, { tower: 't' }),
    rowKey('h', { kind: 'pad', rows: 729 }, { tower: 't' }),
    rowKey('h', { kind: 'anyres', rows: 730 }, { tower: 't' }),
    rowKey('i', { kind: 'pad', rows: 730 }, { tower: 't' }),
    rowKey('h', { kind: 'pad', rows: 730 }, { tower: 'u' }),
    rowKey('h', { kind: 'pad', rows: 730 }, { tower: 't', scope: 'a' }),
    rowKey('h', { kind: 'pad', rows: 730 }, { tower: 't', scope: 'b' }),
  ];
  expect(new Set(keys).size).toBe(7);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
});
