/** What the context forgets for new chats, and what it keeps. */
import { describe, expect, it } from 'vitest';
import { ask, fakeModel, question } from '../../support/fake-model.js';
import { nativeError } from '../../support/native-error.js';

/** An answer that depends on all of the prompt. */
const echo = (prompt: string) => `${prompt.length} ${question(prompt).slice(0, 20)}`;

const HEAD_TOKENS = 44; // up to where the user's text begins

describe('eviction', () => {
  it('makes room for chats, the least recently used first', async () => {
    const load = { contextSize: 1024, prefixCacheBytes: 0 };
    const { model, binding } = await fakeModel({ reply: () => 'ok' }, load);
    const long = (letter: string) => ask(letter.repeat(300));
    const cachedTokens = async (letter: string) =>
      (await model.chat(long(letter), { maxTokens: 5 }).result).usage.cachedTokens;
    await cachedTokens('a');
    await cachedTokens('b');
    expect(await cachedTokens('a')).toBeGreaterThan(300);
    await cachedTokens('c');
    await cachedTokens('d');
    expect(await cachedTokens('a')).toBeGreaterThan(300);
    expect(await cachedTokens('b')).toBeLessThan(300);
    expect(binding.cells()).toBeLessThanOrEqual(1024);
    await model.dispose();
  });

  it('gives cells to an answer that grows', async () => {
    const { model, binding } = await fakeModel(
      { reply: () => 'y'.repeat(1100) },
      { contextSize: 1300 },
    );
    await model.chat(ask('a'.repeat(500)), { maxTokens: 3 }).result;
    const { finishReason, usage } = await model.chat(ask('b')).result;
    expect(finishReason).toBe('stop');
    expect(usage.completionTokens).toBe(1101);
    expect(binding.cells()).toBeLessThanOrEqual(1300);
    await model.dispose();
  });

  it('keeps a bounded number of prefixes', async () => {
    const { model, binding } = await fakeModel({ reply: () => 'ok' }, { maxSequences: 2 });
    expect(binding.contextOptions!.nSeqMax).toBe(10);
    const cached = async (i: number) =>
      (await model.chat(ask(`${String.fromCharCode(65 + i)}${'-'.repeat(20)}`)).result).usage
        .cachedTokens;
    for (let i = 0; i < 30; i++) await cached(i);
    for (let i = 29; i > 20; i--) expect(await cached(i)).toBeGreaterThan(HEAD_TOKENS);
    expect(await cached(0)).toBe(HEAD_TOKENS);
    await model.dispose();
  });

  it('forgets all after a step that failed, until no chat is under way', async () => {
    let isBroken = false;
    const { model, binding } = await fakeModel({
      reply: echo,
      onStep: () => {
        if (isBroken) throw nativeError('ERR_DECODE', { status: -3 });
      },
    });
    await model.chat(ask('kept')).result;
    isBroken = true;
    await expect(model.chat(ask('other')).result).rejects.toMatchObject({ code: 'ERR_DECODE' });
    expect(binding.cells()).toBe(0);
    isBroken = false;
    expect((await model.chat(ask('kept')).result).usage.cachedTokens).toBe(0);
    expect((await model.chat(ask('kept')).result).usage.cachedTokens).toBeGreaterThan(0);
    await model.dispose();
  });
});
