/** Aborts and disposal on the real engine, at every stage; the model answers as before afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChatOptions, type ChatStream, LlavaOneVision } from '../../src/index.js';
import type { LoadProgress } from '../../src/load/load-options.js';
import { demoMessages } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';

let files: { model: string; mmproj: string; threads: number };
let model: LlavaOneVision;
let answer: string;
const messages = demoMessages(1)[0]!;
/** Without caches: every chat goes through every stage. */
const open = () =>
  LlavaOneVision.load({
    ...{ ...files, contextSize: 2048, batchSize: 64 },
    ...{ prefixCache: false, visualCacheBytes: 0 },
  });
beforeAll(async () => {
  // One thread, which waits for no other: a test machine may be busy.
  files = { ...(await convertedFiles('demo', 'f16')), threads: 1 };
  model = await open();
  answer = (await model.chat(messages).result).text;
});
afterAll(() => model?.dispose());

const endless = { logitBias: { 1256: -Infinity, 1258: -Infinity } };

/** Starts a chat and calls `act` in the middle of a stage. */
type Start = (on: LlavaOneVision, act: () => void, options?: ChatOptions) => ChatStream;

const stages: Record<string, Start> = {
  opening: (on, act, options) => {
    queueMicrotask(act);
    return on.chat(messages, options);
  },
  encoding: (on, act, options) =>
    on.chat(messages, { ...options, onProgress: ({ stage }) => stage === 'encode' && act() }),
  'inside a tile': (on, act, options) =>
    on.chat(messages, {
      ...options,
      onProgress: ({ stage, done }) =>
        void (stage === 'encode' && done === 1 && setTimeout(act, 1)),
    }),
  prefill: (on, act, options) =>
    on.chat(messages, { ...options, onProgress: ({ stage }) => stage === 'prefill' && act() }),
  'inside a step': (on, act, options) =>
    on.chat(messages, {
      ...options,
      onProgress: ({ stage }) => void (stage === 'prefill' && setImmediate(act)),
    }),
  generation: (on, act, options) => {
    const stream = on.chat(messages, { ...options, ...endless });
    void (async () => {
      let n = 0;
      for await (const _ of stream) if (++n === 20) act();
    })().catch(() => {});
    return stream;
  },
};

describe('abort', () => {
  it.each(Object.entries(stages))('%s', async (_, start) => {
    const controller = new AbortController();
    const reason = new Error('mine');
    const stream = start(model, () => controller.abort(reason), { signal: controller.signal });
    await expect(stream.result).rejects.toBe(reason);
    expect((await model.chat(messages).result).text).toBe(answer);
  });

  it('of one leaves another as it was', async () => {
    const controller = new AbortController();
    const other = model.chat(messages).result;
    const { result } = model.chat(messages, { ...endless, signal: controller.signal });
    result.catch(() => {});
    expect((await other).text).toBe(answer);
    controller.abort('mine');
    await expect(result).rejects.toBe('mine');
  });

  it.each(['memory', 'decoder', 'context'])('of a load at stage %s', async (stage) => {
    const controller = new AbortController();
    const onProgress = (progress: LoadProgress) => {
      if (progress.stage === stage) controller.abort('mine');
    };
    const loading = LlavaOneVision.load({ ...files, signal: controller.signal, onProgress });
    await expect(loading).rejects.toBe('mine');
  });
});

describe('leaving the loop', () => {
  it('keeps what there was and frees the place', async () => {
    const stream = model.chat(messages, endless);
    let n = 0;
    for await (const _ of stream) if (++n === 10) break;
    const { finishReason, text, usage } = await stream.result;
    expect(finishReason).toBe('abort');
    expect(text.startsWith(answer.slice(0, 10))).toBe(true);
    expect(usage.completionTokens).toBeGreaterThanOrEqual(10);
    expect((await model.chat(messages).result).text).toBe(answer);
  });
});

describe('dispose', () => {
  it.each(Object.entries(stages))('%s', async (_, start) => {
    const own = await open();
    let disposing: Promise<void> | undefined;
    const stream = start(own, () => {
      disposing ??= own.dispose();
    });
    await expect(stream.result).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await disposing;
    expect(() => own.chat(messages)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  it('with several chats in every state', async () => {
    const own = await open();
    const results = Array.from({ length: 12 }, () => own.chat(messages, endless).result);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const settled = Promise.allSettled(results);
    await own.dispose();
    for (const one of await settled)
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'ERR_DISPOSED' } });
  });

  it('at the end of an `await using` block', async () => {
    let inner: LlavaOneVision;
    {
      await using own = await open();
      inner = own;
      expect((await own.chat(messages).result).text).toBe(answer);
    }
    expect(() => inner.chat(messages)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});
