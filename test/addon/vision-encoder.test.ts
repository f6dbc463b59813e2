// The tower against a plain f64 one on small random files, and everything that can go wrong with it.
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type {
  NativeThreadPool,
  NativeVisionEncoder,
  NativeVisionOptions,
} from '../../src/binding.js';
import { cpuMs } from '../support/fuzz.js';
import {
  NORMALIZATION,
  patchesOf,
  randomTower,
  referenceRows,
  type TowerSizes,
  type TowerTensor,
} from '../support/siglip-reference.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const binding = native();
const folder = temporaryFolder();
let pool: NativeThreadPool;
let files = 0;

/** Heads of 12 and 36 patches with two pixels left over. */
const SMALL: TowerSizes = {
  ...{ imageSize: 26, patchSize: 4, nEmbd: 24, nFfn: 40, nHead: 2, nLayer: 3, nProjection: 20 },
};
/** Heads of 72 as in SO400M, widths of 32 for quantised types, more patches than one attention tile. */
const WIDE: TowerSizes = {
  ...{ imageSize: 37, patchSize: 4, nEmbd: 288, nFfn: 96, nHead: 4, nLayer: 2, nProjection: 64 },
};

type TypeOf = string | ((name: string) => string);

async function writeTower(tensors: TowerTensor[], type: TypeOf = 'f32'): Promise<string> {
  const path = join(folder.path, `tower-${files++}.gguf`);
  const writer = new binding.GgufWriter(path);
  writer.setValue('general.architecture', 'string', 'clip');
  const typeOf = (name: string) => (typeof type === 'string' ? type : type(name));
  const isMatrix = ({ name, shape }: TowerTensor) => shape.length === 2 && !name.startsWith('v.p');
  for (const tensor of tensors)
    writer.addTensor(tensor.name, isMatrix(tensor) ? typeOf(tensor.name) : 'f32', tensor.shape);
  await writer.begin();
  for (const { data } of tensors) await writer.write('f32', new Uint8Array(data.buffer));
  await writer.finish();
  return path;
}

function optionsFor(path: string, sizes: TowerSizes): NativeVisionOptions {
  return {
    path,
    ...sizes,
    layerNormEpsilon: NORMALIZATION.epsilon,
    imageMean: Float32Array.from(NORMALIZATION.mean),
    imageStd: Float32Array.from(NORMALIZATION.std),
    useGpu: false,
  };
}

async function open(
  sizes: TowerSizes,
  tensors = randomTower(sizes),
  type: TypeOf = 'f32',
): Promise<NativeVisionEncoder> {
  const path = await writeTower(tensors, type);
  return binding.loadVisionEncoder(optionsFor(path, sizes), pool, null);
}

function tilesFor({ imageSize }: TowerSizes, n = 1): Uint8Array {
  return Uint8Array.from({ length: n * imageSize ** 2 * 3 }, (_, i) => (i * i * 31 + i * 7) >> 3);
}

const rowsFor = (sizes: TowerSizes, n = 1) =>
  new Float32Array(n * patchesOf(sizes) * sizes.nProjection);

async function encode(encoder: NativeVisionEncoder, sizes: TowerSizes, n = 1) {
  const out = rowsFor(sizes, n);
  await encoder.encode(tilesFor(sizes, n), out, null);
  return out;
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  const square = (sum: number, value: number) => sum + value * value;
  const difference = actual.map((value, i) => value - expected[i]!).reduce(square, 0);
  return Math.sqrt(difference / expected.reduce(square, 0));
}

beforeAll(() => {
  pool = new binding.ThreadPool(2);
});
afterAll(async () => {
  await pool.dispose();
  folder.remove();
});

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

describe('a malformed file', () => {
  const tensors = randomTower(SMALL);
  const load = (path: string) => binding.loadVisionEncoder(optionsFor(path, SMALL), pool, null);
  const refused = (path: string, message: RegExp) =>
    expect(load(path)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_LOAD', path },
      message: expect.stringMatching(message),
    });

  it('that is missing', () => refused(join(folder.path, 'nowhere.gguf'), /cannot be opened/));

  it('that is no GGUF', async () => {
    const path = join(folder.path, 'text.gguf');
    writeFileSync(path, 'not a model');
    await refused(path, /not a readable GGUF/);
  });

  it('that ends early', async () => {
    const path = await writeTower(tensors);
    truncateSync(path, 20_000);
    await refused(path, /ends inside the tensor/);
  });

  it.each(tensors.slice(0, 26).map(({ name }) => name))('without %s', async (missing) => {
    if (missing === 'v.image_newline') return;
    const path = await writeTower(tensors.filter(({ name }) => name !== missing));
    await refused(path, new RegExp(`'${missing}' is missing`));
  });

  it('with a tensor of another shape', async () => {
    const other = randomTower({ ...SMALL, nFfn: 48 });
    const path = await writeTower(other);
    await refused(path, /'v\.blk\.0\.ffn_up\.weight' has shape \[24, 48\] where \[24, 40\]/);
  });

  it('with a transposed patch embedding', async () => {
    const [first, ...rest] = tensors;
    const path = await writeTower([{ ...first!, shape: [24, 3, 4, 4] }, ...rest]);
    await refused(path, /'v\.patch_embd\.weight' has shape/);
  });
});

describe('options', () => {
  const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as unknown as Error;
  it.each<[string, Record<string, unknown>]>([
    ['no image', { imageSize: 0 }],
    ['patches larger than the image', { patchSize: 27 }],
    ['heads that do not divide the width', { nHead: 5 }],
    ['a fraction of a block', { nLayer: 1.5 }],
    ['a width whose square overflows', { nEmbd: 2 ** 40 }],
    ['a NaN epsilon', { layerNormEpsilon: Number.NaN }],
    ['two channels', { imageMean: new Float32Array(2) }],
    ['no path', { path: undefined }],
  ])('%s are refused', (_, change) => {
    const options = { ...optionsFor('x', SMALL), ...change } as NativeVisionOptions;
    expect(() => binding.loadVisionEncoder(options, pool, null)).toThrow(invalid);
  });

  it('tiles and rows of the wrong size are refused', async () => {
    const encoder = await open(SMALL);
    for (const [tiles, out] of [
      [tilesFor(SMALL).subarray(1), rowsFor(SMALL)],
      [new Uint8Array(0), rowsFor(SMALL)],
      [tilesFor(SMALL, 2), rowsFor(SMALL)],
      [tilesFor(SMALL), rowsFor(SMALL).subarray(1)],
    ] as const)
      expect(() => encoder.encode(tiles, out, null)).toThrow(invalid);
    await encoder.dispose();
  });
});

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
      binding.loadVisionEncoder(optionsFor(path, SMALL), pool, cancel),
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
