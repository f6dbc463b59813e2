import { expect, it } from 'vitest';
import { PrefillPace } from '../../../src/engine/prefill-pace.js';

it('is generous until it knows, then as many rows as take a quarter of a second, within bounds', () => {
  const pace = new PrefillPace();
  expect(pace.rows(0)).toBe(256);
  pace.note(200, 400);
  expect(pace.rows(0)).toBe(125);
  pace.note(200, 20);
  expect(pace.rows(0)).toBe(256);
  const slow = new PrefillPace();
  slow.note(64, 1e5);
  expect(slow.rows(0)).toBe(32);
});

it('believes in a faster machine at once and in a slower one by and by', () => {
  const pace = new PrefillPace();
  pace.note(100, 200);
  pace.note(100, 1e5);
  expect(pace.rows(0)).toBe(100);
  for (let i = 0; i < 30; i++) pace.note(100, 1000);
  expect(pace.rows(0)).toBe(32);
  pace.note(100, 100);
  expect(pace.rows(0)).toBe(250);
});

it('learns nothing from steps that read no prompt', () => {
  const pace = new PrefillPace();
  pace.note(8, 900);
  expect(pace.rows(0)).toBe(256);
});

it('reads for half as long as the tile took that the answers have waited for', () => {
  const pace = new PrefillPace();
  expect(pace.rows(4000)).toBe(256);
  pace.note(100, 250);
  expect([pace.rows(0), pace.rows(400), pace.rows(2000)]).toEqual([100, 100, 400]);
  pace.note(100, 1);
  expect([pace.rows(0), pace.rows(2000)]).toEqual([256, 1024]);
});
