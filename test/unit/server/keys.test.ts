import { timingSafeEqual } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { ApiKeys, keysOf } from '../../../src/server/keys.js';

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});

it.each(['one', 'three', 'wrong', 'on', 'oned', ''])(
  '51 %j is compared with every key, digests of one length in constant time',
  (shown) => {
    const compare = vi.mocked(timingSafeEqual).mockClear();
    const keys = new ApiKeys(['one', 'two', 'three']);
    expect(keys.ownerOf(shown) !== undefined).toBe(['one', 'three'].includes(shown));
    expect(compare).toHaveBeenCalledTimes(3);
    for (const [a, b] of compare.mock.calls) expect([a.byteLength, b.byteLength]).toEqual([32, 32]);
  },
);

describe('keys', () => {
  it('have an owner each, whose name is not the key', () => {
    const keys = new ApiKeys(['one', 'two']);
    expect(keys.ownerOf('one')).not.toBe(keys.ownerOf('two'));
    expect(keys.ownerOf('one')).not.toContain('one');
  });

  it('are replaced whole, or not at all', () => {
    const keys = new ApiKeys(['one']);
    keys.replace(['two']);
    expect([keys.ownerOf('one'), typeof keys.ownerOf('two')]).toEqual([undefined, 'string']);
    for (const bad of [[], [''], ['a b'], ['é'], ['a'.repeat(600)]])
      expect(() => keys.replace(bad)).toThrow(/apiKeys/);
    expect(keys.ownerOf('two')).toBeDefined();
  });

  it('stand in a file one a line', () => {
    expect(keysOf('# mine\none\r\n\n  two  \n#three\n')).toEqual(['one', 'two']);
  });
});
