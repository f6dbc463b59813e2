import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ChatChunk,
  type ChatResult,
  ChatStream,
  READER_LEFT,
} from '../../../src/chat/chat-stream.js';
import { gate } from '../../support/fake-model.js';

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  // Node reports a rejection after the microtasks of the tick it happened in.
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

const chunk = (text: string): ChatChunk => ({ text, token: 1 });
const result = (text: string) => ({ text, finishReason: 'stop' }) as ChatResult;

/** A run that emits letters, one per turn of the event loop. */
function letters(text: string) {
  const seen = { starts: 0, reason: undefined as unknown };
  const stream = new ChatStream(async (emit, signal) => {
    seen.starts++;
    let written = '';
    for (const letter of text) {
      await new Promise(setImmediate);
      if (signal.aborted) {
        seen.reason = signal.reason;
        return { ...result(written), finishReason: 'abort' };
      }
      written += letter;
      emit(chunk(letter));
    }
    return result(written);
  });
  return { stream, seen };
}

async function read(stream: ChatStream): Promise<string> {
  let text = '';
  for await (const piece of stream) text += piece.text;
  return text;
}

const failing = (after = 0) =>
  new ChatStream(async (emit) => {
    for (let i = 0; i < after; i++) emit(chunk('x'));
    await new Promise(setImmediate);
    throw new Error('broken');
  });

describe('one run', () => {
  it('does nothing until somebody asks', async () => {
    const { stream, seen } = letters('abc');
    stream[Symbol.asyncIterator]();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(seen.starts).toBe(0);
  });

  it('starts for a reader', async () => {
    const { stream, seen } = letters('abc');
    expect(await read(stream)).toBe('abc');
    expect(seen.starts).toBe(1);
  });

  it('starts for the result alone', async () => {
    const { stream, seen } = letters('abc');
    expect((await stream.result).text).toBe('abc');
    expect(seen.starts).toBe(1);
  });

  it('serves a loop and the result, in any order, and a late reader', async () => {
    const { stream, seen } = letters('abc');
    const awaited = stream.result;
    expect(await Promise.all([read(stream), read(stream)])).toEqual(['abc', 'abc']);
    expect((await awaited).text).toBe('abc');
    expect(await read(stream)).toBe('abc');
    expect(seen.starts).toBe(1);
  });

  it('keeps chunks for a slow reader without waiting for it', async () => {
    const { stream } = letters('abc');
    const iterator = stream[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.text).toBe('a');
    await stream.result;
    expect((await iterator.next()).value?.text).toBe('b');
    expect((await iterator.next()).value?.text).toBe('c');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe('leaving', () => {
  it('aborts the run; the result is what there was', async () => {
    const { stream, seen } = letters('abcdef');
    for await (const { text } of stream) if (text === 'c') break;
    expect(seen.reason).toBe(READER_LEFT);
    expect(await stream.result).toMatchObject({ text: 'abc', finishReason: 'abort' });
  });

  it('aborts while a chunk is being waited for', async () => {
    const { opened, open } = gate();
    const stream = new ChatStream(async (_, signal) => {
      signal.addEventListener('abort', open);
      await opened;
      return { ...result(''), finishReason: 'abort' };
    });
    const iterator = stream[Symbol.asyncIterator]();
    const next = iterator.next();
    await iterator.return!();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('before the first read starts nothing', async () => {
    const { stream, seen } = letters('abc');
    await stream[Symbol.asyncIterator]().return!();
    expect(seen.starts).toBe(0);
  });

  it('after the end changes nothing', async () => {
    const { stream, seen } = letters('abc');
    await stream.result;
    for await (const _ of stream) break;
    expect(seen.reason).toBeUndefined();
    expect((await stream.result).finishReason).toBe('stop');
  });
});

describe('failing', () => {
  it('throws to the loop, after what came before, and to the result', async () => {
    const stream = failing(2);
    const texts: string[] = [];
    const loop = (async () => {
      for await (const { text } of stream) texts.push(text);
    })();
    await expect(loop).rejects.toThrow('broken');
    expect(texts).toEqual(['x', 'x']);
    await expect(stream.result).rejects.toThrow('broken');
  });

  it('is not unhandled when only the loop looked', async () => {
    await expect(read(failing())).rejects.toThrow('broken');
  });

  it('is not unhandled when nobody looked any more', async () => {
    const stream = failing();
    void stream.result;
  });

  it('ends the iterator', async () => {
    const iterator = failing()[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toThrow('broken');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});
