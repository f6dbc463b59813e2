// What a chat leaves in the caches is for chats of its own scope alone.
import { expect, it } from 'vitest';
import { askAbout, fakeModel } from '../../support/fake-model.js';

it('rows and beginnings of prompts are not shared between scopes', async () => {
  const { model, binding } = await fakeModel();
  const cached = async (cacheScope?: string) => {
    const options = cacheScope === undefined ? {} : { cacheScope };
    const { usage, media } = await model.chat(askAbout('What?'), options).result;
    return [usage.cachedTokens > 0, media[0]!.cached, binding.nEncoded];
  };
  expect(await cached('a')).toEqual([false, false, 5]);
  expect(await cached('b')).toEqual([false, false, 10]);
  expect(await cached()).toEqual([false, false, 15]);
  expect(await cached('a')).toEqual([true, true, 15]);
  expect(await cached('b')).toEqual([true, true, 15]);
  await model.dispose();
});

it('nor between chats that run at one time', async () => {
  const { model, binding } = await fakeModel();
  const scopes = ['a', 'b', 'a'];
  const results = await Promise.all(
    scopes.map((cacheScope) => model.chat(askAbout('What?'), { cacheScope }).result),
  );
  expect(binding.nEncoded).toBe(10);
  expect(results.map(({ usage }) => usage.cachedTokens > 0)).toEqual([false, false, true]);
  await model.dispose();
});

it('a scope is a text', async () => {
  const { model } = await fakeModel();
  expect(() => model.chat(askAbout('What?'), { cacheScope: 5 as never })).toThrow(/cacheScope/);
  await model.dispose();
});
