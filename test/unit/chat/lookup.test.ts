/** Guessed tokens through the whole engine, on the fake binding: the same answers in fewer steps, and nothing left behind. */
import { describe, expect, it } from 'vitest';
import type { ChatOptions, ChatResult, LoadOptions } from '../../../src/index.js';
import { ask, expectNothingHeld, fakeModel, question } from '../../support/fake-model.js';
import { nativeError } from '../../support/native-error.js';

const RECORD = '{"name":"bolt","price":12,"unit":"piece"},';
const json = (n: number) => `[${RECORD.repeat(n)}]`;
/** Quotes the question, as often as it says, and something of its own between. */
const quoting = (prompt: string) => {
  const text = question(prompt);
  return `So: ${text} and again: ${text}${text}!`;
};

async function open(reply: (prompt: string) => string, load: Partial<LoadOptions> = {}) {
  return fakeModel({ reply }, load);
}

const withoutTimes = ({ timings, usage, seed, ...rest }: ChatResult) => {
  const { draftedTokens, acceptedTokens, ...counts } = usage;
  return { ...rest, usage: counts };
};

describe('lookup', () => {
  it.each<[string, ChatOptions]>([
    ['to the end', {}],
    ['to a limit', { maxTokens: 57 }],
    ['to a stop string', { stop: 'again: {"name":"bo' }],
    ['with log-probabilities', { topLogprobs: 2 }],
  ])('answers the same in fewer steps: %s', async (_, options) => {
    const plain = await open(quoting);
    const guessing = await open(quoting);
    const messages = ask(json(2));
    const chunks = async ({ model }: typeof plain, more: ChatOptions) => {
      const stream = model.chat(messages, { ...options, ...more });
      const all = [];
      for await (const chunk of stream) all.push(chunk);
      return { all, result: await stream.result };
    };
    const expected = await chunks(plain, {});
    const given = await chunks(guessing, { lookup: 8 });
    expect(given.all).toEqual(expected.all);
    expect(withoutTimes(given.result)).toEqual(withoutTimes(expected.result));
    expect(guessing.binding.steps.length).toBeLessThan(0.6 * plain.binding.steps.length);
    const { draftedTokens, acceptedTokens, completionTokens } = given.result.usage;
    expect(acceptedTokens).toBe(completionTokens - guessing.binding.steps.length);
    expect(draftedTokens).toBeGreaterThanOrEqual(acceptedTokens!);
    expect(expected.result.usage).not.toHaveProperty('draftedTokens');
    for (const fake of [plain, guessing]) {
      await expectNothingHeld(fake);
      await fake.model.dispose();
    }
  });

  it('what it leaves in the context serves the next question as well', async () => {
    const asked = async (load: Partial<LoadOptions>) => {
      const { model } = await open(quoting, load);
      const session = model.session();
      const cached: number[] = [];
      for (const text of [json(2), 'more', 'and more'])
        cached.push((await session.chat(text, { maxTokens: 90 }).result).usage.cachedTokens);
      const { messages } = session;
      await model.dispose();
      return { cached, messages };
    };
    const expected = await asked({});
    expect(expected.cached.at(-1)).toBeGreaterThan(100);
    expect(await asked({ lookup: 16 })).toEqual(expected);
  });

  it('many chats at once answer as one at a time, within the samples of a step', async () => {
    const { model, binding } = await open(quoting, { maxSequences: 4, lookup: 12 });
    const texts = [json(1), 'abcabcabc', 'x', json(3), 'a'.repeat(40), `${json(1)} ${json(2)}`];
    const alone = [];
    for (const text of texts) alone.push((await model.chat(ask(text), { lookup: 0 }).result).text);
    const from = binding.steps.length;
    const together = await Promise.all(texts.map((text) => model.chat(ask(text)).result));
    expect(together.map(({ text }) => text)).toEqual(alone);
    const drafted = binding.steps.slice(from).filter((step) => step.some((one) => one.drafted));
    expect(drafted.some((step) => step.filter((one) => one.drafted).length > 1)).toBe(true);
    await expectNothingHeld({ model, binding });
    await model.dispose();
  });

  it('leaves room in a step for prompts that are read', async () => {
    const { model, binding } = await open(quoting, { batchSize: 12, maxSequences: 2, lookup: 16 });
    const quick = model.chat(ask(json(4)));
    const iterator = quick[Symbol.asyncIterator]();
    for (let i = 0; i < 150; i++) await iterator.next();
    const from = binding.steps.length;
    await model.chat(ask('b'.repeat(60)), { maxTokens: 1 }).result;
    const during = binding.steps.slice(from).filter((step) => step.length === 2);
    expect(during.length).toBeLessThan(30);
    expect(during.some((step) => step.some(({ drafted }) => drafted))).toBe(true);
    await quick.result;
    await model.dispose();
  });

  it.each([{}, { maxTokens: 4000 }])(
    'an answer fills the context to the last cell, %j',
    async (options) => {
      const load = { contextSize: 256, lookup: 16, maxSequences: 2 };
      const { model, binding } = await open(() => 'abcd'.repeat(999), load);
      const { finishReason, usage } = await model.chat(ask('1'), options).result;
      expect(finishReason).toBe('length');
      expect(usage.promptTokens + usage.completionTokens).toBe(256 + 1);
      expect(usage.acceptedTokens).toBeGreaterThan(100);
      await expectNothingHeld({ model, binding });
      await model.dispose();
    },
  );

  it('takes no cell that others were promised', async () => {
    const load = { contextSize: 1024, maxSequences: 2, lookup: 32 };
    const { model } = await open(
      (prompt) => 'abc'.repeat(question(prompt) === 'open' ? 999 : 100),
      load,
    );
    const [openEnded, limited] = await Promise.all([
      model.chat(ask('open')).result,
      model.chat(ask('limited'), { maxTokens: 301 }).result,
    ]);
    expect(limited).toMatchObject({ finishReason: 'stop', usage: { completionTokens: 301 } });
    expect(openEnded.finishReason).toBe('length');
    await model.dispose();
  });
});

describe('with lookup, a chat that ends early', () => {
  it.each(['callback', 'abort', 'step'])('by its %s leaves nothing behind', async (cause) => {
    let isBroken = false;
    const fake = await fakeModel({
      reply: quoting,
      onStep: (slices) => {
        if (isBroken && slices.some(({ drafted }) => drafted))
          throw nativeError('ERR_DECODE', { status: -3 });
      },
    });
    const controller = new AbortController();
    const { result } = fake.model.chat(ask(json(2)), {
      lookup: 16,
      signal: controller.signal,
      ...(cause === 'callback' ? { stop: 'again' } : {}),
    });
    result.catch(() => {});
    while (!fake.binding.steps.some((step) => step.some(({ drafted }) => drafted)))
      await new Promise(setImmediate);
    if (cause === 'abort') controller.abort('enough');
    isBroken = cause === 'step';
    const [outcome] = await Promise.allSettled([result]);
    expect(outcome.status).toBe(cause === 'callback' ? 'fulfilled' : 'rejected');
    isBroken = false;
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });
});
