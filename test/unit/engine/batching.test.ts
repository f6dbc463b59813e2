/** Pictures and answers at one time, the engine whole on the fake binding: in which order it computes, what it counts. */
import { describe, expect, it } from 'vitest';
import type { ImagePart, Message } from '../../../src/index.js';
import { ask, type FakeModel, fakeModel, gate } from '../../support/fake-model.js';

/** 16 × 16 pixels: an overview and four tiles. */
function about(shade: number): Message[] {
  const data = new Uint8Array(16 * 16 * 3).fill(shade);
  const image: ImagePart = { type: 'image', image: { width: 16, height: 16, data } };
  return [{ role: 'user', content: [image, { type: 'text', text: '1' }] }];
}

async function open(maxSequences = 8) {
  const log: string[] = [];
  /** A step that begins when it says so stays until it is released. */
  const hold = { when: (_: { slices: number }): boolean => false, ...gate(), isHeld: false };
  const fake = await fakeModel(
    {
      reply: () => 'x'.repeat(200),
      onStep: async (slices) => {
        const isPrompt = slices.every(({ data }) => data.length > 1);
        log.push(isPrompt ? 'prompt' : 'step');
        if (!hold.when({ slices: slices.length })) return;
        hold.isHeld = true;
        await hold.opened;
      },
      onEncode: () => void log.push('tile'),
    },
    { maxSequences },
  );
  return { ...fake, log, hold };
}

const finish = async (fake: FakeModel, ...results: Promise<unknown>[]) => {
  await Promise.all(results);
  await fake.model.dispose();
};

describe('pictures beside answers', () => {
  it.each([
    [1, 1],
    [3, 2],
    [4, 4],
  ])('%i pictures, %i answers: a tile between two steps', async (k, m) => {
    const fake = await open();
    const { model, log } = fake;
    const answers = Array.from({ length: m }, () => model.chat(ask('1'), { maxTokens: 150 }));
    for (const answer of answers) await answer[Symbol.asyncIterator]().next();
    const from = log.length;
    const shades = Array.from({ length: k }, (_, i) => i);
    const seen = shades.map((shade) => model.chat(about(shade), { maxTokens: 1 }).result);
    await Promise.all(seen);
    const first = log.indexOf('tile', from);
    const during = log.slice(first, log.lastIndexOf('tile') + 1);
    expect(during.filter((name) => name === 'tile')).toHaveLength(5 * k);
    expect(during.some((name, i) => name === 'tile' && during[i + 1] === 'tile')).toBe(false);
    await finish(fake, ...answers.map(({ result }) => result));
  });

  it('many answers do not keep a picture waiting', async () => {
    const fake = await open();
    const { model, log } = fake;
    const answers = Array.from({ length: 7 }, () => model.chat(ask('1'), { maxTokens: 150 }));
    for (const answer of answers) await answer[Symbol.asyncIterator]().next();
    const from = log.length;
    await model.chat(about(1), { maxTokens: 1 }).result;
    const tiles = log.slice(from, log.lastIndexOf('tile'));
    const steps = tiles.filter((name) => name !== 'tile').length;
    // One of them computes the picture's prompt up to it, or begins before the picture is opened.
    expect(steps).toBeLessThanOrEqual(tiles.length / 2 + 4);
    await finish(fake, ...answers.map(({ result }) => result));
  });
});

describe('a chat that is aborted leaves at once, though a step holds the device,', () => {
  type When = Awaited<ReturnType<typeof open>>['hold']['when'];
  async function leave(messages: Message[], when: (fake: FakeModel) => When) {
    const fake = await open();
    const { model, hold } = fake;
    const answer = model.chat(ask('1'), { maxTokens: 100 });
    await answer[Symbol.asyncIterator]().next();
    const controller = new AbortController();
    const { result } = model.chat(messages, { signal: controller.signal });
    result.catch(() => {});
    hold.when = when(fake);
    while (!hold.isHeld) await new Promise(setImmediate);
    controller.abort('enough');
    await expect(result).rejects.toBe('enough');
    expect(model.stats().tilesQueued).toBe(0);
    hold.when = () => false;
    hold.open();
    await finish(fake, answer.result);
  }

  it('while its picture waits for its turn', () =>
    leave(
      about(1),
      ({ model }) =>
        () =>
          model.stats().tilesQueued > 0,
    ));

  it('before its prompt has come into a step', () =>
    leave(
      ask('other'),
      ({ model }) =>
        ({ slices }) =>
          model.stats().running === 2 && slices === 1,
    ));
});

describe('stats', () => {
  it('count what runs, waits and is set aside', async () => {
    const fake = await open(2);
    const { model } = fake;
    const caches = { tilesEncoded: 0, visualCacheBytes: 0, prefixCacheBytes: 0 };
    const idle = {
      running: 0,
      queued: 0,
      kvCellsUsed: 0,
      kvCells: 4096,
      tilesQueued: 0,
      ...caches,
    };
    expect(model.stats()).toEqual(idle);
    const chats = [1, 2, 3].map(() => model.chat(ask('1'), { maxTokens: 50 }));
    const results = chats.map(({ result }) => result);
    while (model.stats().queued === 0) await new Promise(setImmediate);
    const { kvCellsUsed, ...counts } = model.stats();
    const { rows } = await model.render(ask('1'));
    expect(counts).toEqual({ running: 2, queued: 1, kvCells: 4096, tilesQueued: 0, ...caches });
    // The second one's prompt may be shared with the first's by now.
    expect(kvCellsUsed).toBeGreaterThanOrEqual(rows + 2 * 49);
    expect(kvCellsUsed).toBeLessThanOrEqual(2 * (rows + 49));
    await Promise.all(results);
    expect(model.stats()).toEqual(idle);
    await model.dispose();
    expect(() => model.stats()).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});
