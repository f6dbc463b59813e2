/** Cancels and ends: a tower stops inside a tile, works on afterwards, and waits before it goes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeVisionEncoder } from '../../src/binding.js';
import { cpuMs } from '../support/fuzz.js';
import { randomTower, type TowerSizes } from '../support/siglip-reference.js';
import { encode, optionsFor, rowsFor, SMALL, tilesFor, towers, WIDE } from '../support/towers.js';

const binding = native();
const rig = towers();
const { open, writeTower } = rig;

describe('stopping', () => {
  const SLOW: TowerSizes = { ...WIDE, imageSize: 100, nFfn: 288, nLayer: 12 };
  let encoder: NativeVisionEncoder;
  beforeAll(async () => {
    encoder = await open(SLOW);
  });
  afterAll(() => encoder.dispose());

  it('a cancel takes effect inside a tile', async () => {
    let shortest = Number.POSITIVE_INFINITY;
    // A busy machine may set the timer off too late, but not every time.
    for (let attempt = 0; attempt < 50; attempt++) {
      const [started, computed] = [performance.now(), cpuMs()];
      await encode(encoder, SLOW);
      const whole = cpuMs() - computed;
      shortest = Math.min(shortest, performance.now() - started);
      const cancel = new binding.Cancel();
      const before = cpuMs();
      const work = encoder.encode(tilesFor(SLOW), rowsFor(SLOW), cancel);
      setTimeout(() => cancel.cancel(), shortest / 10);
      const code = await work.then(
        () => 'done',
        (error) => error.code,
      );
      if (code === 'ERR_CANCELLED' && cpuMs() - before < whole * 0.6) return;
    }
    expect.unreachable('a cancelled tile was computed to its end, or nearly, each time');
  });

  it('leaves the tower working', async () => {
    const expected = await encode(encoder, SLOW);
    const cancel = new binding.Cancel();
    const work = encoder.encode(tilesFor(SLOW, 4), rowsFor(SLOW, 4), cancel);
    cancel.cancel();
    await expect(work).rejects.toMatchObject({ code: 'ERR_CANCELLED' });
    expect([...(await encode(encoder, SLOW))]).toEqual([...expected]);
  });

  it('a cancel before loading ends the load', async () => {
    const path = await writeTower(randomTower(SMALL));
    const cancel = new binding.Cancel();
    cancel.cancel();
    await expect(
      binding.loadVisionEncoder(optionsFor(path, SMALL), rig.pool, cancel),
    ).rejects.toMatchObject({ code: 'ERR_CANCELLED' });
  });

  it('dispose waits for the tile, then every member throws', async () => {
    const own = await open(SMALL);
    const order: string[] = [];
    const encoding = own.encode(tilesFor(SMALL, 20), rowsFor(SMALL, 20), null);
    const work = encoding.then(() => order.push('work'));
    await Promise.all([work, own.dispose().then(() => order.push('disposed'))]);
    expect(order).toEqual(['work', 'disposed']);
    const gone = expect.objectContaining({ code: 'ERR_DISPOSED' }) as unknown as Error;
    for (const call of [
      () => own.nPatches,
      () => own.tilesPerCall,
      () => own.backend,
      () => own.size,
      () => own.newline,
      () => own.encode(tilesFor(SMALL), rowsFor(SMALL), null),
    ])
      expect(call).toThrow(gone);
    await own.dispose();
  });

  it('a disposed pool keeps working for the tower that has it', async () => {
    const path = await writeTower(randomTower(SMALL));
    const own = new binding.ThreadPool(1);
    const tower = await binding.loadVisionEncoder(optionsFor(path, SMALL), own, null);
    await own.dispose();
    expect((await encode(tower, SMALL)).every(Number.isFinite)).toBe(true);
    await tower.dispose();
  });
});
