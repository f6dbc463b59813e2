/** Files, options, tiles and rows that a tower refuses. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeVisionOptions } from '../../src/binding.js';
import { randomTower } from '../support/siglip-reference.js';
import { optionsFor, rowsFor, SMALL, tilesFor, towers } from '../support/towers.js';

const binding = native();
const rig = towers();
const { open, writeTower } = rig;

describe('a malformed file', () => {
  const tensors = randomTower(SMALL);
  const load = (path: string) => binding.loadVisionEncoder(optionsFor(path, SMALL), rig.pool, null);
  const refused = (path: string, message: RegExp) =>
    expect(load(path)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_LOAD', path },
      message: expect.stringMatching(message),
    });

  it('that is missing', () => refused(join(rig.folder, 'nowhere.gguf'), /cannot be opened/));

  it('that is no GGUF', async () => {
    const path = join(rig.folder, 'text.gguf');
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
    expect(() => binding.loadVisionEncoder(options, rig.pool, null)).toThrow(invalid);
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
