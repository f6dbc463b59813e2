/** Beginnings that leave the context for other chats come back by a copy, not by computing. */
import { describe, expect, it } from 'vitest';
import { ParkedPrefixes } from '../../../src/engine/parked-prefixes.js';
import { PromptKey } from '../../../src/engine/prompt-key.js';
import type { LoadOptions } from '../../../src/index.js';
import { ask, expectNothingHeld, fakeModel } from '../../support/fake-model.js';
import { nativeError } from '../../support/native-error.js';

type Copy = 'save' | 'load';

/** A model that counts its copies; `onCopy` runs in each. */
async function open(load: Partial<LoadOptions> = {}, onCopy?: (what: Copy) => void) {
  const copies: Copy[] = [];
  const fake = await fakeModel(
    {
      reply: () => 'ok',
      onCopy: (what) => {
        copies.push(what);
        onCopy?.(what);
      },
    },
    load,
  );
  const chat = async (letter: string, signal?: AbortSignal) => {
    const options = { maxTokens: 5, ...(signal ? { signal } : {}) };
    return (await fake.model.chat(ask(letter.repeat(400)), options).result).usage.cachedTokens;
  };
  return { ...fake, fake, copies, chat };
}

describe('a beginning that no chat uses', () => {
  it('makes way for the next chat, and comes back', async () => {
    const { model, binding, chat, copies } = await open();
    let most = 0;
    await chat('a');
    for await (const _ of model.chat(ask('b'.repeat(400)))) most = Math.max(most, binding.cells());
    expect(most).toBeLessThan(600);
    expect(copies).toEqual(['save']);
    expect(await chat('a')).toBeGreaterThan(400);
    expect(copies).toEqual(['save', 'load', 'save']);
    await model.dispose();
  });

  it('comes back into a context that has room for one only', async () => {
    const { fake, chat } = await open({ contextSize: 512 });
    for (const letter of 'ab') expect(await chat(letter)).toBeLessThan(400);
    for (const letter of 'abab') expect(await chat(letter)).toBeGreaterThan(400);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });

  it('is copied back once for all chats that begin with it', async () => {
    const { model, chat, copies, binding } = await open();
    await chat('a');
    await chat('b');
    copies.length = 0;
    const cached = await Promise.all(['a', 'a', 'a'].map((letter) => chat(letter)));
    for (const tokens of cached) expect(tokens).toBeGreaterThan(400);
    expect(copies.filter((what) => what === 'load')).toHaveLength(1);
    expect(binding.cells()).toBeLessThan(600);
    await model.dispose();
  });

  it('stays in the context when prefixCacheBytes is 0, and is lost when that is full', async () => {
    const { model, chat, copies } = await open({ prefixCacheBytes: 0, contextSize: 1024 });
    for (const letter of 'ab') await chat(letter);
    expect(await chat('a')).toBeGreaterThan(400);
    for (const letter of 'cd') await chat(letter);
    expect(await chat('a')).toBeLessThan(400);
    expect(copies).toEqual([]);
    await model.dispose();
  });
});

describe('while a beginning is copied', () => {
  it.each<Copy>(['save', 'load'])('its chat can be aborted (%s)', async (aborted) => {
    const controller = new AbortController();
    let isArmed = false;
    const { fake, chat } = await open({ contextSize: 512 }, (what) => {
      if (isArmed && what === aborted) controller.abort('no');
    });
    for (const letter of 'ab') await chat(letter);
    isArmed = true;
    await expect(chat('a', controller.signal)).rejects.toBe('no');
    expect(await chat('a')).toBeGreaterThan(400);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });

  it('the model can be disposed of', async () => {
    let disposed: Promise<void> | undefined;
    const opened = await open({ contextSize: 512 }, (what) => {
      if (what === 'load') disposed = opened.model.dispose();
    });
    for (const letter of 'ab') await opened.chat(letter);
    await expect(opened.chat('a')).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await disposed;
    expect(opened.binding.alive).toEqual([]);
  });

  it.each<Copy>(['save', 'load'])('a failure costs the copy alone (%s)', async (failing) => {
    let isBroken = true;
    const { fake, chat } = await open({ contextSize: 512 }, (what) => {
      if (what !== failing || !isBroken) return;
      isBroken = false;
      throw nativeError('ERR_DECODE');
    });
    for (const letter of 'aba') expect(await chat(letter)).toBeLessThan(400);
    expect(await chat('b')).toBeGreaterThan(400);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });
});

describe('ParkedPrefixes', () => {
  const key = (...tokens: number[]) => new PromptKey([{ tokens: Int32Array.from(tokens) }]);
  const prefix = (bytes: number, ...tokens: number[]) => ({
    key: key(...tokens),
    bytes: new Uint8Array(bytes),
  });

  it('is bounded by bytes, the least recently used go first', () => {
    const parked = new ParkedPrefixes(100);
    const [one, two, three] = [prefix(40, 1), prefix(40, 2), prefix(40, 3)];
    parked.add(one);
    parked.add(two);
    parked.use(one);
    parked.add(three);
    expect(parked.findLongest(key(2))).toBeUndefined();
    expect(parked.findLongest(key(1, 5))).toBe(one);
    parked.add(prefix(101, 4));
    expect(parked.findLongest(key(4))).toBeUndefined();
  });

  it('finds what begins most alike, and keeps nothing that another goes on from', () => {
    const parked = new ParkedPrefixes(100);
    const [short, long, other] = [prefix(10, 1, 2), prefix(10, 1, 2, 3), prefix(10, 1, 7)];
    for (const each of [short, long, other]) parked.add(each);
    expect(parked.findLongest(key(1, 2, 3, 4))).toBe(long);
    expect(parked.findLongest(key(1, 7, 3))).toBe(other);
    parked.delete(long);
    expect(parked.findLongest(key(1, 2))).toBe(other);
    expect(parked.findLongest(key(9))).toBeUndefined();
  });
});
