// Long loops, counted in turns of the event loop: nothing here is timed.
import { expect, it } from 'vitest';
import { inSlices } from '../../src/in-slices.js';
import { countTurns } from '../support/turns.js';

it('visits everything in order, with a turn every thousand or so', async () => {
  const items = Array.from({ length: 50_000 }, (_, i) => i * 2);
  const seen: number[] = [];
  const turns = await countTurns(() =>
    inSlices(items, (item, index) => {
      if (item === index * 2) seen.push(item);
    }),
  );
  expect(seen).toEqual(items);
  expect(turns).toBeGreaterThan(40);
});

it('does what is short at once, and stops where the work throws', async () => {
  let done = 0;
  const short = inSlices([1, 2, 3], () => done++);
  expect(done).toBe(3);
  await short;
  const failing = inSlices(new Int8Array(9000), (_, i) => {
    if (i === 8000) throw new Error('no');
    done = i;
  });
  await expect(failing).rejects.toThrow('no');
  expect(done).toBe(7999);
});
