import { expect, test } from 'vitest';
import { proseCut } from '../../../../src/server/page/text/growing-prose.js';

const WORDS = 'so many words '.repeat(60);
const END = 'at the end '.repeat(60);

test('a long text is parted between two words, a part of it before its end', () => {
  const source = WORDS + END;
  const at = proseCut(source);
  expect(source.slice(at - 7, at)).toMatch(/\w $/);
  expect(source.length - at).toBeGreaterThanOrEqual(400);
  expect(source.length - at).toBeLessThan(420);
  expect(proseCut(source.slice(0, 799))).toBe(0);
});

test.each(['**', '`', '[', '$', '\\(', '<'])('never behind %s that is open', (mark) => {
  const before = 'one two three ';
  const at = proseCut(before + mark + WORDS + END);
  // In reach of the tries there is no place.
  expect(at).toBe(0);
  const near = 'so many words '.repeat(40);
  const cut = proseCut(`${near}${mark}five ${END.slice(0, 400)}`);
  expect(cut).toBeLessThanOrEqual(near.length);
});

test('only before a letter: what follows is no mark', () => {
  expect(proseCut('1. - # > '.repeat(200))).toBe(0);
});
