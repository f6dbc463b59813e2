import { describe, expect, it } from 'vitest';
import { TextDecoderWithStops } from '../../../src/chat/text-out.js';

/** Texts given out for each piece of bytes, the last one flushed. */
function write(pieces: (string | number[])[], stops: string[] = []): string[] {
  const out = new TextDecoderWithStops(stops);
  const texts: string[] = [];
  for (const [i, piece] of pieces.entries()) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : Uint8Array.from(piece);
    const { text, isStopped } = out.push(bytes, i === pieces.length - 1);
    texts.push(text);
    if (isStopped) return [...texts, 'STOP'];
  }
  return texts;
}

describe('characters', () => {
  it.each([
    ['two bytes', 'é'],
    ['three bytes', '辺'],
    ['four bytes', '🦊'],
    ['a joined emoji', '👩‍👧'],
  ])('%s come out whole, whatever the split', (_, text) => {
    const bytes = [...Buffer.from(`a${text}b`)];
    const texts = write(bytes.map((byte) => [byte]));
    expect(texts.join('')).toBe(`a${text}b`);
    for (const piece of texts) expect(piece).not.toMatch(/\p{Surrogate}/u);
    expect(texts.join('')).not.toContain('\uFFFD');
  });

  it('replaces an incomplete character at the end', () => {
    expect(write(['a', [0xf0, 0x9f]])).toEqual(['a', '\uFFFD']);
  });

  it('replaces invalid bytes in the middle as soon as they are known to be', () => {
    expect(write([[0xf0, 0x9f], 'x', ''])).toEqual(['', '\uFFFDx', '']);
  });

  it('keeps a byte order mark', () => {
    expect(write(['\uFEFFa'])).toEqual(['\uFEFFa']);
  });
});

describe('stop strings', () => {
  it.each([
    ['in one piece', ['one END two'], ['END'], ['one ', 'STOP']],
    ['across pieces', ['one E', 'N', 'D two'], ['END'], ['one ', '', '', 'STOP']],
    ['at the very start', ['END'], ['END'], ['', 'STOP']],
    ['held text is released when it was none', ['a E', 'N', 'x'], ['END'], ['a ', '', 'ENx']],
    ['held text is released at the end', ['a E', 'N', ''], ['END'], ['a ', '', 'EN']],
    ['the earliest of several', ['x ab cd'], ['cd', 'ab'], ['x ', 'STOP']],
    ['a stop that contains another', ['a', 'b', 'c'], ['abc', 'b'], ['', 'a', 'STOP']],
    ['a stop that overlaps itself', ['aa', 'ab', 'x'], ['aab'], ['', 'a', 'STOP']],
    ['split inside a character', [[0xe2, 0x80], [0x94, 0x41], 'B'], ['—AB'], ['', '', '', 'STOP']],
  ])('%s', (_, pieces, stops, expected) => {
    const texts = write(pieces as (string | number[])[], stops as string[]);
    expect(texts).toEqual(expected);
  });

  it('holds back no more than may become a stop', () => {
    expect(write(['hello wor', 'ld', ''], ['\n\n'])).toEqual(['hello wor', 'ld', '']);
  });
});
