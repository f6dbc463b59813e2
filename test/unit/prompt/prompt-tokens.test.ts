// Prompt parts to ids, with a vocabulary of characters.
import { expect, it } from 'vitest';
import type { PromptPart } from '../../../src/prompt/chatml.js';
import { tokenizePrompt } from '../../../src/prompt/prompt-tokens.js';

const spans: string[] = [];
const vocabulary = {
  async tokenizeAsync(text: string) {
    spans.push(text);
    return Int32Array.from(text, (character) => character.codePointAt(0)!);
  },
  specialToken: (text: string) => (text === '<|im_start|>' ? 900 : -1),
};

const text = (value: string): PromptPart => ({ kind: 'text', text: value });

it('joins tokens up to the next media part', async () => {
  const segments = await tokenizePrompt(
    [
      { kind: 'special', text: '<|im_start|>' },
      text('ab'),
      { kind: 'media', index: 0 },
      { kind: 'media', index: 1 },
      text('c'),
    ],
    vocabulary,
  );
  expect(segments).toEqual([
    { tokens: Int32Array.of(900, 97, 98) },
    { media: 0 },
    { media: 1 },
    { tokens: Int32Array.of(99) },
  ]);
});

it('composes characters and replaces half a surrogate pair before tokenizing', async () => {
  spans.length = 0;
  await tokenizePrompt([text('e\u0301 \ud800x \u{1f600}')], vocabulary);
  expect(spans).toEqual(['é \ufffdx \u{1f600}']);
});

it('takes a very long text', async () => {
  const [segment] = await tokenizePrompt([text('x'.repeat(300_000))], vocabulary);
  expect(segment).toHaveProperty('tokens.length', 300_000);
});

it('tells how much text there is before it tokenizes any', async () => {
  spans.length = 0;
  const parts = [text('e\u0301'), { kind: 'media', index: 0 } as const, text('abc')];
  const onBytes = (bytes: number) => {
    throw new Error(`${bytes} bytes`);
  };
  await expect(tokenizePrompt(parts, vocabulary, { onBytes })).rejects.toThrow('5 bytes');
  expect(spans).toEqual([]);
});

it('says which special token a vocabulary lacks', async () => {
  await expect(
    tokenizePrompt([{ kind: 'special', text: '<|im_end|>' }], vocabulary),
  ).rejects.toThrow(
    expect.objectContaining({
      code: 'ERR_MODEL_LOAD',
      message: expect.stringContaining('<|im_end|>'),
    }),
  );
});
