/** The tower against a plain f64 one on small random files. */
import { describe, expect, it } from 'vitest';
import { randomTower, referenceRows, type TowerSizes } from '../support/siglip-reference.js';
import { encode, rowsFor, SMALL, tilesFor, towers, WIDE } from '../support/towers.js';

const { open } = towers();

function relativeError(actual: Float32Array, expected: Float32Array): number {
  const square = (sum: number, value: number) => sum + value * value;
  const difference = actual.map((value, i) => value - expected[i]!).reduce(square, 0);
  return Math.sqrt(difference / expected.reduce(square, 0));
}

describe('rows equal the reference', () => {
  it.each<[string, TowerSizes]>([
    ['heads of 12', SMALL],
    ['heads of 72', WIDE],
    ['heads of 1', { ...SMALL, nEmbd: 6, nHead: 6 }],
    ['one head', { ...SMALL, nHead: 1 }],
    ['one patch', { ...SMALL, imageSize: 5, patchSize: 5 }],
    ['one block', { ...SMALL, nLayer: 1 }],
  ])('f32, %s', async (_, sizes) => {
    const tensors = randomTower(sizes);
    const encoder = await open(sizes, tensors);
    const rows = await encode(encoder, sizes);
    expect(relativeError(rows, referenceRows(sizes, tensors, tilesFor(sizes)))).toBeLessThan(2e-6);
    await encoder.dispose();
  });

  // Activations are rounded too, to the type that the products take.
  it.each([
    ['f16', 2e-3],
    ['bf16', 2e-2],
    ['q8_0', 3e-2],
    ['q4_0', 0.3],
  ])('%s weights', async (type, bound) => {
    const tensors = randomTower(WIDE);
    const encoder = await open(WIDE, tensors, type);
    const error = relativeError(
      await encode(encoder, WIDE),
      referenceRows(WIDE, tensors, tilesFor(WIDE)),
    );
    expect(error).toBeLessThan(bound);
    await encoder.dispose();
  });

  it('q, k and v of different types', async () => {
    const tensors = randomTower(WIDE);
    const type = (name: string) => (name.includes('attn_q') ? 'f16' : 'f32');
    const encoder = await open(WIDE, tensors, type);
    const expected = referenceRows(WIDE, tensors, tilesFor(WIDE));
    expect(relativeError(await encode(encoder, WIDE), expected)).toBeLessThan(1e-3);
    await encoder.dispose();
  });

  it('the FFN under exchanged names, as old files have it', async () => {
    const tensors = randomTower(SMALL);
    const swap = (name: string) =>
      name.replace(/ffn_(up|down)/, (_, kind) => `ffn_${kind === 'up' ? 'down' : 'up'}`);
    const swapped = tensors.map((tensor) => ({ ...tensor, name: swap(tensor.name) }));
    const encoder = await open(SMALL, swapped);
    const expected = referenceRows(SMALL, tensors, tilesFor(SMALL));
    expect(relativeError(await encode(encoder, SMALL), expected)).toBeLessThan(2e-6);
    await encoder.dispose();
  });

  it('blocks beyond nLayer are left out', async () => {
    const tensors = randomTower({ ...SMALL, nLayer: 4 });
    const encoder = await open(SMALL, tensors);
    const expected = referenceRows(SMALL, tensors, tilesFor(SMALL));
    expect(relativeError(await encode(encoder, SMALL), expected)).toBeLessThan(2e-6);
    await encoder.dispose();
  });

  it('several tiles equal each alone, and again on the same graph', async () => {
    const encoder = await open(SMALL);
    const together = await encode(encoder, SMALL, 3);
    const bytes = SMALL.imageSize ** 2 * 3;
    for (let i = 0; i < 3; i++) {
      const alone = rowsFor(SMALL);
      await encoder.encode(tilesFor(SMALL, 3).slice(i * bytes, (i + 1) * bytes), alone, null);
      expect([...alone]).toEqual([...together.subarray(i * alone.length, (i + 1) * alone.length)]);
    }
    await encoder.dispose();
  });

  it('calls that overlap do not mix', async () => {
    const encoder = await open(SMALL);
    const expected = await encode(encoder, SMALL, 2);
    const all = await Promise.all([1, 2, 3].map(() => encode(encoder, SMALL, 2)));
    for (const rows of all) expect([...rows]).toEqual([...expected]);
    await encoder.dispose();
  });
});

it('says what it is', async () => {
  const tensors = randomTower(SMALL);
  const encoder = await open(SMALL, tensors);
  expect(encoder).toMatchObject({ nPatches: 36, tilesPerCall: 1, backend: 'CPU' });
  expect(encoder.size).toBeGreaterThan(tensors.reduce((sum, { data }) => sum + data.byteLength, 0));
  expect([...encoder.newline!]).toEqual([...tensors.at(-1)!.data]);
  await encoder.dispose();
  const without = await open(SMALL, tensors.slice(0, -1));
  expect(without.newline).toBeNull();
  await without.dispose();
});
