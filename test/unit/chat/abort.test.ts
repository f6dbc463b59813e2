/** Aborts and disposal, at every stage of a chat and of a load. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeBindingOptions } from '../../support/fake-binding.js';
import {
  ask,
  askAbout,
  expectNothingHeld,
  type FakeModel,
  fakeModel,
  gate,
} from '../../support/fake-model.js';

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeEach(() => process.on('unhandledRejection', onUnhandled));
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

interface Stage {
  /** Calls `reached` once the chat is in the middle of the stage. */
  binding: (reached: () => void) => FakeBindingOptions;
  /** Occupies what the chat has to wait for. */
  isBusy?: boolean;
}

const long = () => 'x'.repeat(3000);
const onNthStep = (n: number, reached: () => void): FakeBindingOptions => {
  let count = 0;
  return { reply: long, onStep: () => void (++count === n && reached()) };
};

const stages: Record<string, Stage> = {
  'waiting in line': { binding: () => ({ reply: long }), isBusy: true },
  'encoding the first tile': {
    binding: (reached) => ({ reply: long, onEncode: reached }),
  },
  prefill: { binding: (reached) => onNthStep(2, reached) },
  generation: { binding: (reached) => onNthStep(10, reached) },
};

/** A chat brought to a stage; `other` runs beside it where the stage needs one. */
async function reach({ binding, isBusy = false }: Stage, signal?: AbortSignal) {
  const { opened, open } = gate();
  const fake = await fakeModel(binding(open), { maxSequences: isBusy ? 1 : 2 });
  const other = isBusy ? fake.model.chat(ask('other'), { maxTokens: 2500 }).result : undefined;
  if (other) await new Promise(setImmediate);
  const result = fake.model.chat(askAbout('What?'), signal ? { signal } : {}).result;
  result.catch(() => {});
  if (isBusy) setTimeout(open, 5);
  await opened;
  return { ...fake, result, other };
}

async function expectClean(fake: FakeModel) {
  const { model, binding } = fake;
  await expectNothingHeld(fake);
  expect(binding.alive).toEqual(['pool', 'model', 'context', 'encoder']);
  expect((await model.chat(ask('again'), { maxTokens: 2 }).result).text).toBe('xx');
  await model.dispose();
  expect(binding.alive).toEqual([]);
}

describe('abort while', () => {
  it.each(Object.entries(stages))('%s', async (_, stage) => {
    const controller = new AbortController();
    const run = await reach(stage, controller.signal);
    const reason = new Error('my reason');
    controller.abort(reason);
    await expect(run.result).rejects.toBe(reason);
    await run.other;
    await expectClean(run);
  });

  it('opening: nothing has happened yet', async () => {
    const controller = new AbortController();
    const { model, binding } = await fakeModel();
    const { result } = model.chat(askAbout('What?'), { signal: controller.signal });
    controller.abort('early');
    await expect(result).rejects.toBe('early');
    expect([binding.nEncoded, binding.steps.length]).toEqual([0, 0]);
    await model.dispose();
  });

  it('reading: the loop throws the reason', async () => {
    const controller = new AbortController();
    const { model } = await fakeModel({ reply: long });
    const loop = (async () => {
      let n = 0;
      for await (const _ of model.chat(ask('?'), { signal: controller.signal }))
        if (++n === 5) controller.abort('enough');
    })();
    await expect(loop).rejects.toBe('enough');
    await model.dispose();
  });

  it('before the start: an aborted signal starts nothing', async () => {
    const { model, binding } = await fakeModel();
    await expect(model.chat(ask('?'), { signal: AbortSignal.abort('no') }).result).rejects.toBe(
      'no',
    );
    await expect(model.render(ask('?'), { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    await expect(model.embed(ask('?'), { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(binding.steps).toEqual([]);
    await model.dispose();
  });

  it('beside others: they do not notice', async () => {
    const controller = new AbortController();
    let nSteps = 0;
    const onStep = () => void (++nSteps === 5 && controller.abort('mine'));
    const { model } = await fakeModel({ reply: () => 'y'.repeat(100), onStep });
    const results = Promise.all([1, 2, 3].map(() => model.chat(ask('?')).result));
    const aborted = model.chat(ask('?'), { signal: controller.signal }).result;
    await expect(aborted).rejects.toBe('mine');
    for (const { text } of await results) expect(text).toBe('y'.repeat(100));
    await model.dispose();
  });

  it('embedding, between tiles', async () => {
    const controller = new AbortController();
    const { model, binding } = await fakeModel({ onEncode: () => controller.abort('mine') });
    await expect(model.embed(askAbout('?'), { signal: controller.signal })).rejects.toBe('mine');
    expect(binding.nEncoded).toBe(1);
    await model.dispose();
  });
});

it('keeps no listeners on a signal that outlives many chats', async () => {
  const { signal } = new AbortController();
  let nListeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    nListeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    nListeners--;
    remove(...args);
  };
  const { model } = await fakeModel();
  for (let i = 0; i < 5; i++) await model.chat(askAbout('?'), { signal }).result;
  expect(nListeners).toBe(0);
  await model.dispose();
});

it('a reader that leaves frees its place at once', async () => {
  const { model, binding } = await fakeModel({ reply: long }, { maxSequences: 1 });
  const stream = model.chat(ask('?'));
  let n = 0;
  for await (const _ of stream) if (++n === 4) break;
  await expectNothingHeld({ model, binding });
  const result = await stream.result;
  expect(result.finishReason).toBe('abort');
  expect(result.text).toMatch(/^x{4,6}$/);
  expect(result.usage.completionTokens).toBe(result.text.length);
  await model.dispose();
});

describe('dispose while', () => {
  it.each(Object.entries(stages))('%s', async (_, stage) => {
    const { model, binding, result, other } = await reach(stage);
    other?.catch(() => {});
    await Promise.all([model.dispose(), model.dispose(), model[Symbol.asyncDispose]()]);
    await expect(result).rejects.toMatchObject({ code: 'ERR_DISPOSED', handle: 'model' });
    if (other) await expect(other).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(binding.alive).toEqual([]);
    expect(binding.disposed.slice(-4)).toEqual(['encoder', 'context', 'model', 'pool']);
  });
});

it('everything refuses after dispose', async () => {
  const { model } = await fakeModel();
  const early = model.chat(ask('?'));
  await model.dispose();
  const disposed = expect.objectContaining({ code: 'ERR_DISPOSED' });
  expect(() => model.chat(ask('?'))).toThrow(disposed);
  await expect(model.render(ask('?'))).rejects.toEqual(disposed);
  await expect(model.embed(ask('?'))).rejects.toEqual(disposed);
  await expect(early.result).rejects.toEqual(disposed);
  await model.dispose();
});
