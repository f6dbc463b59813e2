import { expect, it } from 'vitest';
import { createTurns } from '../../../src/engine/turns.js';

it('runs one at a time, first come first served', async () => {
  const lane = createTurns();
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await new Promise(setImmediate);
    log.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([lane(work('a')), lane(work('b')), lane(work('c'))])).toEqual([
    'a',
    'b',
    'c',
  ]);
  expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

it('goes on after a failure, which only its own caller sees', async () => {
  const lane = createTurns();
  const failed = lane(async () => {
    throw new Error('mine');
  });
  await expect(lane(async () => 1)).resolves.toBe(1);
  await expect(failed).rejects.toThrow('mine');
});
