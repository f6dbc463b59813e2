/** Many chats on one context: fairness, admission, failures. The engine runs whole, on the fake binding. */
import { describe, expect, it } from 'vitest';
import type { ChatOptions } from '../../../src/index.js';
import { ask, expectNothingHeld, fakeModel, question } from '../../support/fake-model.js';
import { nativeError } from '../../support/native-error.js';

/** Answers with as many letters as the question says. */
const letters = (prompt: string) => 'x'.repeat(Number(question(prompt)) || 3);
const PROMPT_OF_1 = 58;

describe('fairness', () => {
  it('advances all answers in each step', async () => {
    const { model, binding } = await fakeModel({ reply: letters });
    const streams = Array.from({ length: 6 }, () => model.chat(ask('20')));
    await Promise.all(streams.map((stream) => stream.result));
    const shared = binding.steps.filter((step) => step.length === 6);
    expect(shared.length).toBeGreaterThanOrEqual(20);
    await model.dispose();
  });

  it('keeps an answer moving while a long prompt is read, in bounded slices', async () => {
    const { model, binding } = await fakeModel({ reply: letters });
    const quick = model.chat(ask('500'))[Symbol.asyncIterator]();
    await quick.next();
    const from = binding.steps.length;
    await model.chat(ask('a'.repeat(3000)), { maxTokens: 1 }).result;
    const steps = binding.steps.slice(from);
    const prefill = steps.filter((step) => step.some(({ n }) => n > 1));
    expect(prefill.length).toBeGreaterThanOrEqual(12);
    for (const step of prefill) {
      expect(step.some(({ sequence, n }) => sequence === 0 && n === 1)).toBe(true);
      expect(step.reduce((sum, { n }) => sum + n, 0)).toBeLessThanOrEqual(256 + 1);
    }
    await quick.return!();
    await model.dispose();
  });

  it('lets a short prompt through while a long one is read', async () => {
    const { model } = await fakeModel({ reply: letters });
    const order: string[] = [];
    const run = async (name: string, text: string) => {
      await model.chat(ask(text), { maxTokens: 2 }).result;
      order.push(name);
    };
    await Promise.all([run('long', 'a'.repeat(3000)), run('short', '2')]);
    expect(order).toEqual(['short', 'long']);
    await model.dispose();
  });

  it('answers the same together as one at a time', async () => {
    const questions = Array.from({ length: 12 }, (_, i) => 'w'.repeat(i * 150));
    const reply = (prompt: string) => `${prompt.length}:${[...prompt].reverse().join('')}`;
    const { model } = await fakeModel({ reply }, { maxSequences: 5 });
    const options: ChatOptions = { maxTokens: 60 };
    const alone: string[] = [];
    for (const text of questions) alone.push((await model.chat(ask(text), options).result).text);
    const together = await Promise.all(
      questions.map((text) => model.chat(ask(text), options).result),
    );
    expect(together.map(({ text }) => text)).toEqual(alone);
    await model.dispose();
  });
});

describe('admission', () => {
  it('runs maxSequences at a time, the others in order of arrival', async () => {
    const { model, binding } = await fakeModel({ reply: letters }, { maxSequences: 2 });
    const ends: number[] = [];
    const results = await Promise.all(
      [0, 1, 2, 3, 4].map(async (i) => {
        const result = await model.chat(ask('30'), { maxTokens: 10 }).result;
        ends.push(i);
        return result;
      }),
    );
    expect(ends).toEqual([0, 1, 2, 3, 4]);
    expect(Math.max(...binding.steps.map((step) => step.length))).toBe(2);
    expect(results[0]!.timings.queueMs).toBeLessThan(results[4]!.timings.queueMs);
    await model.dispose();
  });

  it('waits for cells, not only for a sequence', async () => {
    const { model, binding } = await fakeModel({ reply: letters }, { contextSize: 512 });
    const results = await Promise.all(
      [1, 2, 3].map(() => model.chat(ask('5'), { maxTokens: 300 }).result),
    );
    expect(results.map(({ text }) => text)).toEqual(['xxxxx', 'xxxxx', 'xxxxx']);
    expect(Math.max(...binding.steps.map((step) => step.length))).toBe(1);
    await model.dispose();
  });

  it('refuses what can never fit, with numbers, before any step', async () => {
    const { model, binding } = await fakeModel({}, { contextSize: 256 });
    await expect(model.chat(ask('a'.repeat(300))).result).rejects.toMatchObject({
      code: 'ERR_CONTEXT_FULL',
      nPast: 0,
      nNeeded: 300 + PROMPT_OF_1 - 1,
      nCtx: 256,
    });
    expect(binding.steps).toEqual([]);
    await model.dispose();
  });

  it('refuses a text that could not fit if all its tokens were the longest, before it is tokenized', async () => {
    const { model } = await fakeModel({}, { contextSize: 256 });
    const refusal = model.chat(ask('a'.repeat(4 * 256))).result;
    // With 52 bytes of the template; its five marks are not counted.
    const nNeeded = (4 * 256 + 52) / 4;
    await expect(refusal).rejects.toMatchObject({ code: 'ERR_CONTEXT_FULL', nNeeded });
    await model.dispose();
  });

  it('a chat that fills the context ends with length, to the last cell', async () => {
    const { model, binding } = await fakeModel(
      { reply: () => 'y'.repeat(999) },
      { contextSize: 256 },
    );
    let most = 0;
    const stream = model.chat(ask('1'));
    for await (const _ of stream) most = Math.max(most, binding.cells());
    const { finishReason, usage } = await stream.result;
    expect(finishReason).toBe('length');
    expect(usage.promptTokens).toBe(PROMPT_OF_1);
    expect(usage.completionTokens).toBe(256 - PROMPT_OF_1 + 1);
    expect(most).toBe(256);
    await model.dispose();
  });

  it('an answer without a limit ends when the others have the rest, which keep what they were promised', async () => {
    const { model } = await fakeModel(
      { reply: (prompt) => 'z'.repeat(question(prompt) === 'open' ? 4000 : 300) },
      { contextSize: 1536 },
    );
    const [open, limited] = await Promise.all([
      model.chat(ask('open')).result,
      model.chat(ask('limited'), { maxTokens: 301 }).result,
    ]);
    expect(limited).toMatchObject({ finishReason: 'stop' });
    expect(limited.usage.completionTokens).toBe(301);
    expect(open.finishReason).toBe('length');
    expect(open.usage.completionTokens).toBeGreaterThan(512);
    await model.dispose();
  });

  it('many answers without a limit all end, and leave nothing behind', async () => {
    const { model, binding } = await fakeModel(
      { reply: () => 'z'.repeat(5000) },
      { contextSize: 1536, maxSequences: 4 },
    );
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => model.chat(ask('1')).result));
    for (const { finishReason, usage } of results) {
      expect(finishReason).toBe('length');
      expect(usage.completionTokens).toBeGreaterThanOrEqual(512);
    }
    await expectNothingHeld({ model, binding });
    await model.dispose();
  });
});

describe('a step that waits for its turn behind other models', () => {
  async function waiting() {
    let giveUp: ((error: Error) => void) | undefined;
    let holds = true;
    let nWithdrawn = 0;
    const begun = { step: () => {} };
    const { model, binding } = await fakeModel({
      reply: letters,
      onStep: () =>
        new Promise((resolve, reject) => {
          begun.step();
          if (!holds) return resolve();
          giveUp = reject;
        }),
      onWithdraw: () => {
        nWithdrawn++;
        giveUp!(nativeError('ERR_CANCELLED'));
      },
    });
    const inStep = () =>
      new Promise<void>((resolve) => {
        begun.step = resolve;
      });
    const release = () => {
      holds = false;
    };
    return { model, binding, inStep, release, withdrawn: () => nWithdrawn };
  }

  it('is given up when all its chats are aborted, and leaves the cache as it was', async () => {
    const { model, binding, inStep, release, withdrawn } = await waiting();
    const controllers = [new AbortController(), new AbortController()];
    const step = inStep();
    const results = controllers.map(({ signal }) => model.chat(ask('3'), { signal }).result);
    const settled = Promise.allSettled(results);
    await step;
    controllers[0]!.abort('one');
    expect(withdrawn()).toBe(binding.steps[0]!.length === 1 ? 1 : 0);
    controllers[1]!.abort('two');
    release();
    expect(await settled).toMatchObject([{ reason: 'one' }, { reason: 'two' }]);
    expect(withdrawn()).toBe(1);
    expect((await model.chat(ask('3')).result).text).toBe('xxx');
    await expectNothingHeld({ model, binding });
    await model.dispose();
  });

  it('does not hold up dispose', async () => {
    const { model, inStep } = await waiting();
    const step = inStep();
    const { result } = model.chat(ask('3'));
    const failed = expect(result).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await step;
    await model.dispose();
    await failed;
  });
});

describe('failures', () => {
  it('a failed step fails its chats, cleans up, and the next chat works', async () => {
    let isBroken = false;
    const { model, binding } = await fakeModel({
      onStep: () => {
        if (isBroken) throw nativeError('ERR_DECODE', { status: -3 });
      },
    });
    const stream = model.chat(ask('1'))[Symbol.asyncIterator]();
    await stream.next();
    isBroken = true;
    const error = await stream.next().then(
      () => stream.next(),
      (reason) => reason,
    );
    expect(error).toMatchObject({ name: 'LlavaError', code: 'ERR_DECODE', status: -3 });
    isBroken = false;
    expect((await model.chat(ask('1')).result).text).toBe('ok');
    await expectNothingHeld({ model, binding });
    expect(binding.alive).not.toContain('sampler');
    await model.dispose();
  });

  it('a full cache costs the youngest chat only', async () => {
    let isFull = false;
    const { model } = await fakeModel({
      reply: letters,
      onStep: (slices) => {
        if (!isFull && slices.length === 2 && slices.every(({ data }) => data.length === 1)) {
          isFull = true;
          throw nativeError('ERR_CONTEXT_FULL', { nPast: 9, nNeeded: 2, nCtx: 10 });
        }
      },
    });
    const [old, young] = await Promise.allSettled([
      model.chat(ask('10')).result,
      model.chat(ask('10')).result,
    ]);
    expect(old).toMatchObject({ status: 'fulfilled', value: { text: 'xxxxxxxxxx' } });
    expect(young).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CONTEXT_FULL' } });
    await model.dispose();
  });

  it("a callback's error fails its chat alone", async () => {
    const { model, binding } = await fakeModel({ reply: letters });
    const [bad, good] = await Promise.allSettled([
      model.chat(ask('5'), {
        onProgress: () => {
          throw new Error('mine');
        },
      }).result,
      model.chat(ask('5')).result,
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'mine' } });
    expect(good).toMatchObject({ status: 'fulfilled', value: { text: 'xxxxx' } });
    await expectNothingHeld({ model, binding });
    await model.dispose();
  });
});
