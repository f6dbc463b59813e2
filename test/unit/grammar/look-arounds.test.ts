/** Patterns that look ahead and back: what our terms admit is what the engine's own regular expressions find. */
import { expect, it } from 'vitest';
import { automatonOf } from '../../../src/grammar/automaton.js';
import { TermPool, TooManyStates } from '../../../src/grammar/language.js';
import { Moves } from '../../../src/grammar/moves.js';
import { searchTerm } from '../../../src/grammar/regexp.js';
import { NotRegular } from '../../../src/grammar/regexp-characters.js';
import { randomUniform } from '../../support/random.js';

function wrongTexts(pattern: string, texts: readonly string[]): string[] {
  const pool = new TermPool();
  const moves = new Moves(pool);
  const term = searchTerm(pool, pattern);
  const found = new RegExp(pattern, 'u');
  return texts.filter((text) => moves.admits(term, text) !== found.test(text));
}

it.each([
  ['^(?!\\s*$).+', ['', ' ', 'a', ' a', '\n']],
  ['^(?=.*[A-Z])(?=.*\\d).{8,}$', ['abcdefgh', 'Abcdefg1', 'A1', 'abcdefg1']],
  ['^((?!-)[a-z-]{1,9}(?<!-)\\.)+[a-z]{2}$', ['a-b.de', '-a.de', 'a-.de', 'a.b-.de', 'a.b.de']],
  ['^(?!-)(?!.*--)[a-z-]{1,9}(?<!-)$', ['a', 'a-b', 'a--b', '-a', 'a-']],
  ['(?<!\\d)\\d{3}(?!\\d)', ['123', '1234', 'a123b', '12 345 67']],
  ['^(?:a(?!b)|c)b?d?$', ['ab', 'ad', 'cb', 'a', 'abd']],
  ['(?<=ab|^)c', ['c', 'abc', 'bc', 'xabcx']],
])('reads %s as the engine does', (pattern, texts) => {
  expect(wrongTexts(pattern, texts)).toEqual([]);
});

it.each(['(?:(?!ab).)+', 'a((?<=ab)c)', '(?=a)*', 'a\\b'])(
  'refuses %s, whose looks it cannot follow',
  (pattern) => {
    expect(() => searchTerm(new TermPool(), pattern)).toThrow(NotRegular);
  },
);

it('gives up in time where all ways through alternatives that look ahead were too many to go', () => {
  const pool = new TermPool();
  const term = searchTerm(pool, '^(?:(?!a.*b)|(?!b.*c)|(?!d.*e))'.repeat(60));
  expect(() => automatonOf(new Moves(pool), term, 3000)).toThrow(TooManyStates);
});

it('reads random patterns as the engine does', () => {
  const random = randomUniform(7);
  const below = (count: number): number => Math.floor(random() * count);
  const one = (of: readonly string[]): string => of[below(of.length)]!;
  const repeated = () => one(['', '', '', '?', '*', '+', '{1,2}']);
  const atom = (depth: number): string => {
    const kind = below(depth > 0 ? 12 : 4);
    if (kind < 4) return one(['a', 'b', '[ab]', '.', '[^a]']) + repeated();
    if (kind < 6) return `(${alternatives(depth - 1)})${repeated()}`;
    if (kind > 9) return one(['^', '$']);
    const seen = below(2) ? one(['a', 'b', '[ab]', '[^b]']) : alternatives(depth - 1);
    return `(?${one(['=', '!', '<=', '<!'])}${seen})`;
  };
  const sequence = (depth: number) =>
    Array.from({ length: 1 + below(4) }, () => atom(depth)).join('');
  const alternatives = (depth: number): string =>
    below(4) ? sequence(depth) : `${sequence(depth)}|${sequence(depth)}`;
  const texts = [''];
  for (let i = 0; texts.length < 40; i++) for (const char of 'abc') texts.push(texts[i] + char);
  let looks = 0;
  for (let i = 0; i < 400; i++) {
    const pattern = alternatives(2);
    try {
      expect(wrongTexts(pattern, texts), pattern).toEqual([]);
      if (/\(\?[=!<]/.test(pattern)) looks++;
    } catch (error) {
      if (!(error instanceof NotRegular)) throw error;
    }
  }
  expect(looks).toBeGreaterThan(100);
});
