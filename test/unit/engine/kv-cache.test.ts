/** What is in the context already is not computed again: follow-ups, forks, chats at one time. */
import { describe, expect, it } from 'vitest';
import type { ChatResult, Message } from '../../../src/index.js';
import { ask, askAbout, expectNothingHeld, fakeModel, question } from '../../support/fake-model.js';
import { nativeError } from '../../support/native-error.js';

/** An answer that depends on all of the prompt. */
const echo = (prompt: string) => `${prompt.length} ${question(prompt).slice(0, 20)}`;

const HEAD_TOKENS = 44; // up to where the user's text begins

const PICTURE_ROWS = 24;

const said = (messages: Message[], { text }: ChatResult, next: string): Message[] => [
  ...messages,
  { role: 'assistant', content: text },
  { role: 'user', content: next },
];

describe('a conversation that goes on', () => {
  it('encodes no tile again and computes only what is new', async () => {
    const { model, binding } = await fakeModel({ reply: echo }, { visualCacheBytes: 0 });
    const first = askAbout('What?');
    const answer = await model.chat(first).result;
    expect(answer.usage.cachedTokens).toBe(0);
    expect(answer.media).toMatchObject([{ cached: false }]);
    expect(binding.nEncoded).toBe(5);

    const from = binding.steps.length;
    const next = await model.chat(said(first, answer, 'And?')).result;
    expect(binding.nEncoded).toBe(5);
    expect(next.media).toMatchObject([{ cached: true, rows: PICTURE_ROWS }]);
    // All of the first prompt and its answer but for the end token, which was never decoded.
    const { promptTokens, completionTokens } = answer.usage;
    expect(next.usage.cachedTokens).toBe(promptTokens + completionTokens - 1);
    const computed = binding.steps.slice(from).flat();
    const sum = computed.reduce((total, { n }) => total + n, 0);
    expect(sum).toBe(
      next.usage.promptTokens - next.usage.cachedTokens + next.usage.completionTokens - 1,
    );
    expect(computed.every(({ kind }) => kind === 'tokens')).toBe(true);
    expect(next.timings.encodeMs).toBe(0);
    await model.dispose();
  });

  it('answers the same with the cache and without', async () => {
    const answers = async (prefixCache: boolean) => {
      const { model } = await fakeModel({ reply: echo }, { prefixCache, visualCacheBytes: 0 });
      let messages = askAbout('What?');
      const results: ChatResult[] = [];
      for (const text of ['Which?', 'Why?', 'Who?']) {
        const result = await model.chat(messages).result;
        results.push(result);
        messages = said(messages, result, text);
      }
      await model.dispose();
      return results;
    };
    const [cached, plain] = [await answers(true), await answers(false)];
    expect(cached.map(({ text }) => text)).toEqual(plain.map(({ text }) => text));
    expect(plain.map(({ usage }) => usage.cachedTokens)).toEqual([0, 0, 0]);
    expect(plain.map(({ media }) => media[0]!.cached)).toEqual([false, false, false]);
    expect(cached.map(({ media }) => media[0]!.cached)).toEqual([false, true, true]);
  });

  it('computes the last position of a prompt that is there as a whole', async () => {
    const { model } = await fakeModel({ reply: echo });
    const [first, again] = [await model.chat(ask('?')).result, await model.chat(ask('?')).result];
    expect(again.text).toBe(first.text);
    expect(again.usage.cachedTokens).toBe(first.usage.promptTokens - 1);
    await model.dispose();
  });

  it('takes the common part when a second picture changes how the first is shown', async () => {
    const { model } = await fakeModel({ reply: echo });
    const first = askAbout('What?');
    const answer = await model.chat(first).result;
    const other = { width: 8, height: 16, data: new Uint8Array(8 * 16 * 3).fill(9) };
    const both = said(first, answer, '');
    both.at(-1)!.content = [
      { type: 'image', image: other },
      { type: 'text', text: 'And this?' },
    ];
    const { usage, media } = await model.chat(both).result;
    expect(media).toMatchObject([
      { rows: 5, grid: null, cached: false },
      { rows: 5, grid: null, cached: false },
    ]);
    expect(usage.cachedTokens).toBe(HEAD_TOKENS);
    await model.dispose();
  });

  it('goes on after an abort, from where it came', async () => {
    const { model, binding } = await fakeModel({ reply: () => 'x'.repeat(200) }, { batchSize: 16 });
    const messages = askAbout('y'.repeat(300));
    const controller = new AbortController();
    const { result } = model.chat(messages, {
      signal: controller.signal,
      onProgress: ({ stage, done }) => stage === 'prefill' && done > 200 && controller.abort('no'),
    });
    await expect(result).rejects.toBe('no');
    const { usage, media } = await model.chat(messages, { maxTokens: 1 }).result;
    expect(usage.cachedTokens).toBeGreaterThan(200);
    expect(usage.cachedTokens).toBeLessThanOrEqual(216);
    expect(media).toMatchObject([{ cached: true }]);
    expect(binding.nEncoded).toBe(5);
    await model.dispose();
  });

  it('encodes a picture of which the cache holds a part only', async () => {
    const { model, binding } = await fakeModel(
      { reply: echo },
      { batchSize: 10, visualCacheBytes: 0 },
    );
    const controller = new AbortController();
    const messages = askAbout('What?');
    const { result } = model.chat(messages, {
      signal: controller.signal,
      onProgress: ({ stage, done }) =>
        stage === 'prefill' && done > HEAD_TOKENS + 4 && controller.abort('no'),
    });
    await expect(result).rejects.toBe('no');
    const { usage, media } = await model.chat(messages).result;
    expect(usage.cachedTokens).toBeGreaterThan(HEAD_TOKENS);
    expect(usage.cachedTokens).toBeLessThan(HEAD_TOKENS + PICTURE_ROWS);
    expect(media).toMatchObject([{ cached: false }]);
    expect(binding.nEncoded).toBe(10);
    await model.dispose();
  });
});

describe('forks', () => {
  it('share the cells of what they have in common', async () => {
    const { model, binding } = await fakeModel({ reply: () => 'z'.repeat(30) });
    const first = ask('a'.repeat(1500));
    const answer = await model.chat(first).result;
    let most = 0;
    const run = async (text: string) => {
      const stream = model.chat(said(first, answer, text));
      for await (const _ of stream) most = Math.max(most, binding.cells());
      return stream.result;
    };
    const forks = await Promise.all(['b', 'c', 'd'].map(run));
    for (const { usage } of forks) expect(usage.cachedTokens).toBeGreaterThan(1500);
    expect(most).toBeLessThan(2000);
    await model.dispose();
  });

  it('leave the other branch in the cache', async () => {
    const { model } = await fakeModel({ reply: echo });
    const first = ask('a'.repeat(100));
    const answer = await model.chat(first).result;
    const one = said(first, answer, 'one');
    const two = said(first, answer, 'two');
    const oneAnswer = await model.chat(one).result;
    const twoAnswer = await model.chat(two).result;
    for (const [branch, result] of [
      [one, oneAnswer],
      [two, twoAnswer],
    ] as const) {
      const { usage } = await model.chat(said(branch, result, 'more')).result;
      expect(usage.cachedTokens).toBe(
        result.usage.promptTokens + result.usage.completionTokens - 1,
      );
    }
    await model.dispose();
  });
});

describe('chats at one time', () => {
  it('that begin alike compute the beginning once', async () => {
    const { model, binding } = await fakeModel({ reply: echo }, { visualCacheBytes: 0 });
    const common = 'a'.repeat(1000);
    const results = await Promise.all(
      [1, 2, 3, 4].map((i) => model.chat(ask(`${common}${i}`)).result),
    );
    expect(results.map(({ text }) => text)).toEqual(Array(4).fill(`1109 ${common.slice(0, 20)}`));
    expect(results[0]!.usage.cachedTokens).toBe(0);
    for (const { usage } of results.slice(1)) {
      expect(usage.cachedTokens).toBeGreaterThan(HEAD_TOKENS + 1000 - 64);
      expect(usage.cachedTokens).toBeLessThanOrEqual(HEAD_TOKENS + 1000);
    }
    const prefilled = binding.steps.flat().reduce((sum, { n }) => sum + (n > 1 ? n : 0), 0);
    expect(prefilled).toBeLessThan(1058 + 4 * 80);
    await model.dispose();
  });

  it('fit together when only their endings differ', async () => {
    const { model, binding } = await fakeModel({ reply: echo }, { contextSize: 1500 });
    const questions = [1, 2, 3, 4].map((i) => ask(`${'a'.repeat(1000)}${i}`));
    const options = { maxTokens: 60 };
    await model.chat(questions[0]!, options).result;
    const results = await Promise.all(questions.map((one) => model.chat(one, options).result));
    for (const { usage } of results) expect(usage.cachedTokens).toBeGreaterThan(1000);
    expect(Math.max(...binding.steps.map((step) => step.length))).toBe(4);
    await model.dispose();
  });

  it('do not wait for ever when the one ahead is aborted', async () => {
    const { model } = await fakeModel({ reply: echo }, { batchSize: 64 });
    const controller = new AbortController();
    const ahead = model.chat(ask('a'.repeat(1000)), {
      signal: controller.signal,
      onProgress: ({ done }) => done > 500 && controller.abort('no'),
    }).result;
    const behind = model.chat(ask(`${'a'.repeat(990)}b`)).result;
    await expect(ahead).rejects.toBe('no');
    const { text, usage } = await behind;
    expect(text).toMatch(/^\d+ a{20}$/);
    expect(usage.cachedTokens).toBe(0);
    await model.dispose();
  });
});

it('a chat that waits for one whose step fails goes on by itself', async () => {
  let isBroken = true;
  const { model, binding } = await fakeModel(
    {
      reply: echo,
      onStep: () => {
        if (binding.steps.length !== 5 || !isBroken) return;
        isBroken = false;
        throw nativeError('ERR_DECODE', { status: -3 });
      },
    },
    { batchSize: 64 },
  );
  const ahead = model.chat(ask('a'.repeat(1000))).result;
  const behind = model.chat(ask(`${'a'.repeat(990)}b`)).result;
  await expect(ahead).rejects.toMatchObject({ code: 'ERR_DECODE' });
  expect((await behind).text).toMatch(/^\d+ a{20}$/);
  await expectNothingHeld({ model, binding });
  await model.dispose();
});

it('prefixCache: false keeps nothing', async () => {
  const { model, binding } = await fakeModel({ reply: echo }, { prefixCache: false });
  for (let i = 0; i < 3; i++)
    expect((await model.chat(ask('same')).result).usage.cachedTokens).toBe(0);
  expect(binding.cells()).toBe(0);
  expect(binding.contextOptions!.nSeqMax).toBe(8);
  await model.dispose();
});
