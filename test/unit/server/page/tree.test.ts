import { expect, test } from 'vitest';
import { branch, newestLeaf, siblings } from '../../../../src/server/page/model/tree.js';
import { turn } from './turns.js';

/** a ─ b ─ c; a ─ d ─ e, older than c; a second root f. */
const turns = [
  turn('e', 'd', { created: 5 }),
  turn('b', 'a', { created: 2 }),
  turn('a', null, { created: 1 }),
  turn('c', 'b', { created: 6 }),
  turn('d', 'a', { created: 4 }),
  turn('f', null, { created: 3 }),
];
const ids = (some: { id: string }[]) => some.map(({ id }) => id).join('');
const of = (id: string) => turns.find((one) => one.id === id)!;

test('a branch goes from the root to its leaf', () => {
  expect(ids(branch(turns, 'e'))).toBe('ade');
  expect(ids(branch(turns, 'a'))).toBe('a');
  expect(branch(turns, null)).toEqual([]);
  expect(branch(turns, 'gone')).toEqual([]);
});

test('siblings stand by age, itself among them', () => {
  expect(ids(siblings(turns, of('d')))).toBe('bd');
  expect(ids(siblings(turns, of('f')))).toBe('af');
});

test('a switch of branches ends at what was written last below', () => {
  expect(newestLeaf(turns, 'a')).toBe('c');
  expect(newestLeaf(turns, 'd')).toBe('e');
  expect(newestLeaf(turns, 'gone')).toBe('gone');
});

test('parents in a circle end', () => {
  const circle = [turn('x', 'y'), turn('y', 'x')];
  expect(ids(branch(circle, 'x'))).toBe('yx');
  expect(newestLeaf(circle, 'x')).toBe('x');
});
