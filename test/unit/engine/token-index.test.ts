import { describe, expect, it } from 'vitest';
import { TokenIndex } from '../../../src/engine/token-index.js';
import { randomUniform } from '../../support/random.js';

function indexOf(tokens: Iterable<number>): TokenIndex {
  const index = new TokenIndex();
  for (const token of tokens) index.push(token);
  return index;
}

/** By looking everywhere. */
function longest(tokens: readonly number[]): { at: number; length: number } | undefined {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < tokens.length - 1; at++) {
    let length = 0;
    while (length < 32 && length <= at) {
      const token = tokens[at - length]!;
      if (token < 0 || token !== tokens[tokens.length - 1 - length]) break;
      length++;
    }
    if (length > 1 && length >= best.length) best = { at, length };
  }
  return best.at < 0 ? undefined : best;
}

describe('find', () => {
  it.each([2, 4, 12])('is the longest run before, the last of equals, of %i ids', (nIds) => {
    const random = randomUniform(nIds);
    const tokens: number[] = [];
    const index = new TokenIndex();
    for (let i = 0; i < 120; i++) {
      const token = random() < 0.05 ? -1 : Math.floor(random() * nIds);
      tokens.push(token);
      index.push(token);
      expect(index.find()).toEqual(longest(tokens));
    }
    expect(index.length).toBe(120);
  });

  it('follows a match that goes on, though its beginning is common', () => {
    const quoted = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 7 : 100 + i));
    const common = Array.from({ length: 500 }, (_, i) => (i % 3 === 0 ? 8 : 7));
    const index = indexOf([...quoted, ...common, ...quoted.slice(0, 6)]);
    for (const [i, token] of quoted.entries()) {
      if (i < 6) continue;
      expect(index.find()?.at).toBe(i - 1);
      index.push(token);
    }
  });

  it('needs two tokens, and none of them media', () => {
    expect(indexOf([]).find()).toBeUndefined();
    expect(indexOf([1]).find()).toBeUndefined();
    expect(indexOf([1, 2, 3, 1]).find()).toBeUndefined();
    expect(indexOf([-1, -1, -1, -1]).find()).toBeUndefined();
    expect(indexOf([5, -1, 6, 5, -1]).find()).toBeUndefined();
  });

  it('grows', () => {
    const index = indexOf(Array.from({ length: 5000 }, (_, i) => i));
    for (const token of [17, 18]) index.push(token);
    expect(index.find()).toEqual({ at: 18, length: 2 });
  });
});

describe('after', () => {
  it('is what followed, no further than media', () => {
    expect(indexOf([1, 2, 3, 4, -1, 5, 1, 2]).after(1, 9)).toEqual([3, 4]);
    expect(indexOf([1, 2, 3, 4, 5, 1, 2]).after(1, 2)).toEqual([3, 4]);
  });

  it('goes round where a text repeats itself', () => {
    expect(indexOf([9, 1, 2, 3, 1, 2]).after(2, 7)).toEqual([3, 1, 2, 3, 1, 2, 3]);
  });
});
