/** The order of steps and tiles: loops that ask for their next turn when they had the last, as decoders and encoders do. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Turns } from '../../../src/engine/turns.js';

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Notes who had a turn, and that nobody else had one meanwhile. */
function logged() {
  const turns = new Turns();
  const log: string[] = [];
  let isTaken = false;
  const work = (name: string) => async () => {
    expect(isTaken).toBe(false);
    isTaken = true;
    log.push(name);
    await tick();
    isTaken = false;
    return name;
  };
  const times = async (n: number, turn: () => Promise<unknown>) => {
    for (let i = 0; i < n; i++) await turn();
  };
  const steps = (n: number) => times(n, () => turns.step(work('step')));
  const tiles = (name: string, n: number, signal?: AbortSignal) =>
    times(n, () => turns.tile(work(name), signal));
  return { turns, log, work, steps, tiles };
}

const most = (log: string[], isCounted: (name: string) => boolean) =>
  log.reduce(
    ({ run, max }, name) => {
      const now = isCounted(name) ? run + 1 : 0;
      return { run: now, max: Math.max(max, now) };
    },
    { run: 0, max: 0 },
  ).max;

describe('turns', () => {
  it('are one at a time, in order of arrival, and give what the work gives', async () => {
    const { turns, log, work } = logged();
    const given = await Promise.all(['a', 'b', 'c'].map((name) => turns.step(work(name))));
    expect(given).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('go on after a failure, which only its own caller sees', async () => {
    const { turns } = logged();
    const fail = () => {
      throw new Error('mine');
    };
    const failed = turns.step(fail);
    await expect(turns.tile(async () => 1)).resolves.toBe(1);
    await expect(failed).rejects.toThrow('mine');
  });

  it.each([1, 2, 5])('with %i encoders: one tile between two steps, all alike', async (k) => {
    const { log, steps, tiles } = logged();
    const names = Array.from({ length: k }, (_, i) => `tile ${i}`);
    await Promise.all([steps(4 * k + 8), ...names.map((name) => tiles(name, 4))]);
    const last = log.findLastIndex((name) => name !== 'step');
    const alternating = log.slice(0, last + 1);
    expect(most(alternating, (name) => name !== 'step')).toBe(1);
    expect(most(alternating, (name) => name === 'step')).toBe(1);
    const order = alternating.filter((name) => name !== 'step');
    expect(order).toEqual(Array.from({ length: 4 }, () => names).flat());
  });

  it('a picture that comes late, and is small, is not behind all of a large one', async () => {
    const { log, steps, tiles } = logged();
    const large = tiles('large', 10);
    const running = steps(20);
    await tick();
    await tick();
    await tiles('small', 1);
    expect(log.filter((name) => name === 'large').length).toBeLessThanOrEqual(3);
    await Promise.all([large, running]);
  });

  it('nobody waits for a class that has no work', async () => {
    const { log, steps, tiles } = logged();
    await Promise.all([tiles('a', 3), tiles('b', 3)]);
    expect(log).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    await steps(3);
    expect(log.slice(6)).toEqual(['step', 'step', 'step']);
  });

  it('copies bring no second tile between two steps, and do not wait for steps', async () => {
    const { turns, log, work, steps, tiles } = logged();
    const copies = async () => {
      for (let i = 0; i < 5; i++) await turns.copy(work('copy'));
    };
    await Promise.all([steps(12), tiles('a', 5), tiles('b', 5), copies()]);
    const withoutCopies = log.filter((name) => name !== 'copy');
    const last = withoutCopies.findLastIndex((name) => name !== 'step');
    expect(most(withoutCopies.slice(0, last + 1), (name) => name !== 'step')).toBe(1);
    await Promise.all([tiles('a', 1), copies()]);
    expect(log.filter((name) => name === 'copy')).toHaveLength(10);
  });
});

it('tells a step how long the tile took that it has waited for, and the next one nothing', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const turns = new Turns();
  const seen: number[] = [];
  const step = () => turns.step(async () => void seen.push(turns.tileMs));
  await step();
  const failed = turns.tile(async () => {
    vi.advanceTimersByTime(300);
    throw new Error('broken');
  });
  await expect(failed).rejects.toThrow('broken');
  await turns.copy(async () => {});
  await step();
  await step();
  expect(seen).toEqual([0, 300, 0]);
});

describe('a tile that waits', () => {
  it('is given up at once, and the others come', async () => {
    const { turns, log, work, tiles } = logged();
    const reason = new Error('left');
    const controller = new AbortController();
    let release = () => {};
    const held = turns.step(
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    await tick();
    const waiting = tiles('gone', 3, controller.signal);
    const other = turns.tile(work('other'));
    await tick();
    expect(turns.tilesQueued).toBe(2);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(turns.tilesQueued).toBe(1);
    release();
    await Promise.all([held, other]);
    expect(log).toEqual(['other']);
    await expect(turns.tile(work('late'), controller.signal)).rejects.toBe(reason);
    expect(log).toEqual(['other']);
  });

  it('that has begun is left to its work', async () => {
    const { turns } = logged();
    const controller = new AbortController();
    const tile = turns.tile(async () => {
      controller.abort();
      await tick();
      return 'done';
    }, controller.signal);
    await expect(tile).resolves.toBe('done');
  });
});
