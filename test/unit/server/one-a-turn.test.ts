import { expect, it } from 'vitest';
import { OneATurn } from '../../../src/server/one-a-turn.js';

const never = new AbortController().signal;

it('lets the event loop come round between two pieces of work, whatever becomes of them', async () => {
  const log: string[] = [];
  const gate = new OneATurn();
  const work = (i: number) => () => {
    log.push('work');
    if (i === 1) throw new Error('broken');
    return i;
  };
  let isDone = false;
  const turn = () => {
    log.push('turn');
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const all = await Promise.allSettled([0, 1, 2, 3].map((i) => gate.run(never, work(i))));
  isDone = true;
  expect(all.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, true]);
  expect(log.filter((one) => one === 'work')).toHaveLength(4);
  expect(log.some((one, i) => one === 'work' && log[i + 1] === 'work')).toBe(false);
});

it('leaves out what nobody waits for any more', async () => {
  const gate = new OneATurn();
  const controller = new AbortController();
  const first = gate.run(never, () => controller.abort('gone'));
  const second = gate.run(controller.signal, () => 'done');
  await first;
  await expect(second).rejects.toBe('gone');
  await expect(gate.run(never, () => 'next')).resolves.toBe('next');
});
