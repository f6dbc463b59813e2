/** A conversation that goes on: history, caches, one chat at a time, and what aborts and failures leave. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Part } from '../../../src/index.js';
import {
  askAbout,
  expectNothingHeld,
  fakeModel,
  gate,
  question,
} from '../../support/fake-model.js';
import { nativeError } from '../../support/native-error.js';

const echo = (prompt: string) => `${prompt.length} ${question(prompt).slice(-20)}`;
const LOOK = askAbout('What?')[0]!.content as Part[];
const invalid = (argument: string) =>
  expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument });

describe('history', () => {
  it('grows by question and answer', async () => {
    const { model } = await fakeModel({ reply: echo });
    const session = model.session({ system: 'Be brief.' });
    const { text } = await session.chat('One?').result;
    await session.chat('Two?').result;
    expect(session.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: text },
      { role: 'user', content: 'Two?' },
      { role: 'assistant', content: expect.stringMatching(/Two\?$/) },
    ]);
    session.clear();
    expect(session.messages).toEqual([{ role: 'system', content: 'Be brief.' }]);
    await model.dispose();
  });

  it('begins with what was said before', async () => {
    let seen = '';
    const { model } = await fakeModel({
      reply: (prompt) => {
        seen = prompt;
        return 'ok';
      },
    });
    const messages = [
      { role: 'user' as const, content: 'One?' },
      { role: 'assistant' as const, content: '1' },
    ];
    const session = model.session({ messages });
    messages.pop();
    await session.chat('Two?').result;
    expect(seen).toContain('One?<|im_end|>\n<|im_start|>assistant\n1<|im_end|>');
    await model.dispose();
  });

  it('is what chat would have been asked: the same answers, cache or not', async () => {
    const run = async (prefixCache: boolean) => {
      const { model, binding } = await fakeModel({ reply: echo }, { prefixCache });
      const session = model.session();
      const results = [];
      for (const text of [LOOK, 'And?', 'Why?']) results.push(await session.chat(text).result);
      await model.dispose();
      return { results, nEncoded: binding.nEncoded };
    };
    const [cached, plain] = [await run(true), await run(false)];
    const texts = ({ results }: typeof cached) => results.map(({ text }) => text);
    expect(texts(cached)).toEqual(texts(plain));
    expect(cached.nEncoded).toBe(5);
    for (const [i, { usage, media }] of cached.results.entries()) {
      if (i === 0) continue;
      const before = cached.results[i - 1]!.usage;
      expect(usage.cachedTokens).toBe(before.promptTokens + before.completionTokens - 1);
      expect(media).toMatchObject([{ cached: true }]);
    }
  });

  it('keeps pictures whose files are gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'session-'));
    const image = join(folder, 'picture.png');
    const { create } = { create: { width: 9, height: 9, channels: 3 as const, background: 'red' } };
    writeFileSync(image, await sharp({ create }).png().toBuffer());
    const { model } = await fakeModel({ reply: echo });
    const session = model.session();
    await session.chat([
      { type: 'image', image },
      { type: 'text', text: 'What?' },
    ]).result;
    rmSync(folder, { recursive: true });
    const { media } = await session.chat('And?').result;
    expect(media).toMatchObject([{ cached: true }]);
    expect(session.messages[0]!.content[0]).toEqual({ type: 'image', image });
    await model.dispose();
  });
});

describe('a chat that does not end leaves the history as it was', () => {
  it.each(['abort', 'leave', 'fail'])('%s', async (way) => {
    let isBroken = false;
    const fake = await fakeModel({
      reply: () => 'x'.repeat(100),
      onStep: () => {
        if (isBroken) throw nativeError('ERR_DECODE');
      },
    });
    const session = fake.model.session();
    await session.chat('One?', { maxTokens: 2 }).result;
    const before = session.messages;
    const controller = new AbortController();
    const stream = session.chat('Two?', { signal: controller.signal });
    const loop = (async () => {
      let n = 0;
      for await (const _ of stream) {
        if (++n < 3) continue;
        if (way === 'leave') break;
        if (way === 'abort') controller.abort('mine');
        isBroken = true;
      }
    })();
    if (way === 'leave') {
      await loop;
      expect((await stream.result).finishReason).toBe('abort');
    } else await expect(loop).rejects.toBeDefined();
    isBroken = false;
    expect(session.messages).toEqual(before);
    await session.chat('Three?', { maxTokens: 2 }).result;
    expect(session.messages).toHaveLength(4);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });
});

describe('one chat at a time', () => {
  it('refuses a second one at the call, and one that was made before the first began', async () => {
    const { model } = await fakeModel({ reply: () => 'x'.repeat(50) });
    const session = model.session();
    const early = session.chat('early');
    const first = session.chat('first');
    const iterator = first[Symbol.asyncIterator]();
    await iterator.next();
    expect(() => session.chat('second')).toThrow(invalid('session'));
    expect(() => session.clear()).toThrow(invalid('session'));
    await expect(session.save('never')).rejects.toEqual(invalid('session'));
    await expect(early.result).rejects.toEqual(invalid('session'));
    await first.result;
    await session.chat('third').result;
    expect(session.messages.map(({ content }) => content)).toEqual([
      ...['first', 'x'.repeat(50), 'third', 'x'.repeat(50)],
    ]);
    await model.dispose();
  });

  it('many sessions run beside each other', async () => {
    const { model } = await fakeModel({ reply: echo });
    const sessions = Array.from({ length: 12 }, () => model.session());
    for (const text of ['a', 'b'])
      await Promise.all(sessions.map((session, i) => session.chat(`${text}${i}`).result));
    for (const [i, { messages }] of sessions.entries()) expect(messages[2]!.content).toBe(`b${i}`);
    await model.dispose();
  });
});

describe('checks at the call', () => {
  it.each([
    ['content', (s: Session) => s.chat('' as never, { maxTokens: 0 }), 'maxTokens'],
    ['parts', (s: Session) => s.chat([{ type: 'sound' } as never]), 'messages[0].content[0].type'],
    ['nothing', (s: Session) => s.chat(undefined as never), 'messages[0].content'],
    ['frames that are read once', (s: Session) => s.chat([frames()]), 'video'],
  ] as const)('%s', async (_, act, argument) => {
    const { model } = await fakeModel();
    expect(() => act(model.session())).toThrow(invalid(argument));
    await model.dispose();
  });

  it.each([
    [{ systm: 'x' }, 'options.systm'],
    [{ system: 5 }, 'system'],
    [{ messages: 'x' }, 'messages'],
    [{ multiImage: 'x' }, 'multiImage'],
    [{ system: 'x', messages: [{ role: 'system', content: 'y' }] }, 'system'],
    [{ messages: [{ role: 'robot', content: 'y' }] }, 'messages[0].role'],
  ])('session(%j)', async (options, argument) => {
    const { model } = await fakeModel();
    expect(() => model.session(options as never)).toThrow(invalid(argument));
    await model.dispose();
  });
});

type Session = ReturnType<Awaited<ReturnType<typeof fakeModel>>['model']['session']>;

function frames(): Part {
  return { type: 'video', video: (async function* () {})() };
}

describe('dispose', () => {
  it('stops the chat and refuses what follows', async () => {
    const { opened, open } = gate();
    const fake = await fakeModel({ reply: () => 'x'.repeat(500), onStep: open });
    const session = fake.model.session();
    const { result } = session.chat('One?');
    await opened;
    await Promise.all([session.dispose(), session[Symbol.asyncDispose]()]);
    const disposed = expect.objectContaining({ code: 'ERR_DISPOSED', handle: 'session' });
    await expect(result).rejects.toEqual(disposed);
    expect(() => session.chat('Two?')).toThrow(disposed);
    await expect(session.save('never')).rejects.toEqual(disposed);
    expect(session.messages).toEqual([]);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });

  it('of the model ends its sessions', async () => {
    const { opened, open } = gate();
    const { model } = await fakeModel({ reply: () => 'x'.repeat(500), onStep: open });
    const session = model.session();
    const { result } = session.chat('One?');
    await opened;
    const disposed = expect.objectContaining({ code: 'ERR_DISPOSED', handle: 'model' });
    await Promise.all([model.dispose(), expect(result).rejects.toEqual(disposed)]);
    expect(() => session.chat('Two?')).toThrow(disposed);
    expect(() => model.session()).toThrow(disposed);
  });
});
