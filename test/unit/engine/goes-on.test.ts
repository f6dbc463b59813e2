/** Which steps say that the next one will be of their tokens alone. The engine runs whole, on the fake binding. */
import { expect, it, vi } from 'vitest';
import { PrefillPace } from '../../../src/engine/prefill-pace.js';
import type { ChatOptions, Message } from '../../../src/index.js';
import { ask, askAbout, fakeModel } from '../../support/fake-model.js';

/** What the steps of the first chat say, where the second one is asked in its fifth step. */
async function said(options: ChatOptions, second?: Message[]): Promise<boolean[]> {
  const flags: boolean[] = [];
  let chats: Promise<unknown>[] = [];
  const onStep = (_: unknown, goesOn?: boolean) => {
    flags.push(goesOn!);
    if (second && flags.length === 5) chats.push(model.chat(second, { maxTokens: 3 }).result);
  };
  const { model } = await fakeModel({ reply: () => 'x'.repeat(40), onStep });
  chats = [model.chat(ask('?'), options).result];
  for (const chat of chats) await chat;
  await model.dispose();
  return flags;
}

it('all but the one that brings the last token', async () => {
  expect(await said({ maxTokens: 5 })).toEqual([true, true, true, true, false]);
});

it('all of an answer whose end is not known', async () => {
  expect(new Set(await said({}))).toEqual(new Set([true]));
});

it('none that may guess more', async () => {
  expect(new Set(await said({ maxTokens: 30, lookup: 4 }))).toEqual(new Set([false]));
});

it('none while a tile waits, and again when none does', async () => {
  const flags = await said({}, askAbout('What?'));
  expect(flags.slice(0, 5)).not.toContain(false);
  // The tiles of one picture, and the last token of its answer.
  expect(flags.filter((goesOn) => !goesOn).length).toBeGreaterThanOrEqual(2);
  expect(flags.at(-1)).toBe(true);
});

it('how long single tokens take, which may be computed ahead, says nothing of prompts', async () => {
  const note = vi.spyOn(PrefillPace.prototype, 'note');
  try {
    await said({ maxTokens: 5 });
    expect(note.mock.calls.map(([rows]) => rows > 1)).toEqual([true]);
  } finally {
    note.mockRestore();
  }
});
