/** Small random towers as files and open, and tiles for them. */
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type {
  NativeThreadPool,
  NativeVisionEncoder,
  NativeVisionOptions,
} from '../../src/binding.js';
import {
  NORMALIZATION,
  patchesOf,
  randomTower,
  type TowerSizes,
  type TowerTensor,
} from './siglip-reference.js';
import { temporaryFolder } from './tiny-decoder.js';

/** Heads of 12 and 36 patches with two pixels left over. */
export const SMALL: TowerSizes = {
  ...{ imageSize: 26, patchSize: 4, nEmbd: 24, nFfn: 40, nHead: 2, nLayer: 3, nProjection: 20 },
};

/** Heads of 72 as in SO400M, widths of 32 for quantised types, more patches than one attention tile. */
export const WIDE: TowerSizes = {
  ...{ imageSize: 37, patchSize: 4, nEmbd: 288, nFfn: 96, nHead: 4, nLayer: 2, nProjection: 64 },
};

type TypeOf = string | ((name: string) => string);

export function optionsFor(path: string, sizes: TowerSizes): NativeVisionOptions {
  return {
    path,
    ...sizes,
    layerNormEpsilon: NORMALIZATION.epsilon,
    imageMean: Float32Array.from(NORMALIZATION.mean),
    imageStd: Float32Array.from(NORMALIZATION.std),
    useGpu: false,
  };
}

export function tilesFor({ imageSize }: TowerSizes, n = 1): Uint8Array {
  return Uint8Array.from({ length: n * imageSize ** 2 * 3 }, (_, i) => (i * i * 31 + i * 7) >> 3);
}

export const rowsFor = (sizes: TowerSizes, n = 1) =>
  new Float32Array(n * patchesOf(sizes) * sizes.nProjection);

export async function encode(encoder: NativeVisionEncoder, sizes: TowerSizes, n = 1) {
  const out = rowsFor(sizes, n);
  await encoder.encode(tilesFor(sizes, n), out, null);
  return out;
}

export interface Towers {
  folder: string;
  pool: NativeThreadPool;
  writeTower(tensors: TowerTensor[], type?: TypeOf): Promise<string>;
  open(sizes: TowerSizes, tensors?: TowerTensor[], type?: TypeOf): Promise<NativeVisionEncoder>;
}

/** To be called once in a test file. */
export function towers(): Towers {
  const binding = native();
  const { path: folder, remove } = temporaryFolder();
  let files = 0;
  const rig: Towers = {
    folder,
    pool: undefined as unknown as NativeThreadPool,
    async writeTower(tensors, type = 'f32') {
      const path = join(folder, `tower-${files++}.gguf`);
      await writeTower(path, tensors, type);
      return path;
    },
    async open(sizes, tensors = randomTower(sizes), type = 'f32') {
      const path = await rig.writeTower(tensors, type);
      return binding.loadVisionEncoder(optionsFor(path, sizes), rig.pool, null);
    },
  };
  beforeAll(() => {
    rig.pool = new binding.ThreadPool(2);
  });
  afterAll(async () => {
    await rig.pool.dispose();
    remove();
  });
  return rig;
}

async function writeTower(path: string, tensors: TowerTensor[], type: TypeOf): Promise<void> {
  const writer = new (native().GgufWriter)(path);
  writer.setValue('general.architecture', 'string', 'clip');
  const typeOf = (name: string) => (typeof type === 'string' ? type : type(name));
  const isMatrix = ({ name, shape }: TowerTensor) => shape.length === 2 && !name.startsWith('v.p');
  for (const tensor of tensors)
    writer.addTensor(tensor.name, isMatrix(tensor) ? typeOf(tensor.name) : 'f32', tensor.shape);
  await writer.begin();
  for (const { data } of tensors) await writer.write('f32', new Uint8Array(data.buffer));
  await writer.finish();
}
