import { describe, expect, it } from 'vitest';
import { type KeySegment, PromptKey } from '../../../src/engine/prompt-key.js';

const text = (...tokens: number[]): KeySegment => ({ tokens: Int32Array.from(tokens) });
const picture = (media: string, rows: number): KeySegment => ({ media, rows });
const key = (...segments: KeySegment[]) => new PromptKey(segments);

const whole = key(text(1, 2, 3), picture('a', 10), text(4, 5));

describe('common', () => {
  it.each<[string, PromptKey, number]>([
    ['itself', whole, 15],
    ['nothing', PromptKey.EMPTY, 0],
    ['a beginning', key(text(1, 2)), 2],
    ['other text at the start', key(text(2, 2, 3)), 0],
    ['other text in the middle', key(text(1, 9, 3)), 1],
    ['another picture', key(text(1, 2, 3), picture('b', 10), text(4, 5)), 3],
    ['text where the picture is', key(text(1, 2, 3, 4, 5)), 3],
    ['a picture where text is', key(picture('a', 10)), 0],
    ['the picture in part', key(text(1, 2, 3), picture('a', 4)), 7],
    ['more text before the picture', key(text(1, 2, 3, 9), picture('a', 10)), 3],
    ['another question', key(text(1, 2, 3), picture('a', 10), text(4, 6, 7)), 14],
    ['a continuation', key(text(1, 2, 3), picture('a', 10), text(4, 5, 6)), 15],
  ])('with %s', (_, other, expected) => {
    expect(whole.common(other)).toBe(expected);
    expect(other.common(whole)).toBe(expected);
  });
});

describe('replaced', () => {
  it.each<[number, number[], PromptKey]>([
    [15, [], whole],
    [15, [6, 7], key(text(1, 2, 3), picture('a', 10), text(4, 5, 6, 7))],
    [13, [6], key(text(1, 2, 3), picture('a', 10), text(6))],
    [7, [], key(text(1, 2, 3), picture('a', 4))],
    [2, [8], key(text(1, 2, 8))],
    [0, [], PromptKey.EMPTY],
    [0, [1], key(text(1))],
  ])('%i positions, then %j', (length, tokens, expected) => {
    const replaced = whole.replaced(length, tokens);
    expect(replaced.segments).toEqual(expected.segments);
    expect(replaced.length).toBe(length + tokens.length);
  });
});

it('is made of a prompt and its media, whose index is that of the conversation', () => {
  const media = [
    { key: 'first', plan: { rows: 5 } } as never,
    { key: 'second', plan: { rows: 7 } },
  ];
  const made = PromptKey.of(
    [{ media: 1 }, { tokens: Int32Array.of(3) }, { media: 0 }],
    media as never,
  );
  expect(made.segments).toEqual([picture('second', 7), text(3), picture('first', 5)]);
});
