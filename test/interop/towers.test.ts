// llama.cpp's own vision tower on our mmproj files, next to ours. See docs/interop.md for what the bounds mean.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeThreadPool } from '../../src/binding.js';
import type { MmprojOuttype } from '../../src/convert/outtypes.js';
import { type GgufTensor, readGguf } from '../../src/gguf/reader.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { type CheckpointName, convertedFiles } from '../support/golden.js';
import {
  hasPrograms,
  ourRows,
  relativeDifference,
  runProgram,
  tileOf,
} from '../support/interop.js';
import { skipUnless } from '../support/skip-unless.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const folder = temporaryFolder();

/** Black and white noise: -1 and 1 when normalised, which f16 holds exactly (clip.cpp rounds pixels to it). */
function blackAndWhite(side: number): Uint8Array {
  return tileOf(side).map((byte) => (byte < 128 ? 0 : 255));
}

async function clipRows(mmproj: string, tile: Uint8Array): Promise<Float32Array> {
  const [input, output] = [join(folder.path, 'tile.rgb'), join(folder.path, 'rows.f32')];
  writeFileSync(input, tile);
  const stdin = `${input} ${output}\n`;
  await runProgram('llava-onevision-compare-towers', [mmproj, '2', 'softmax'], { stdin });
  return new Float32Array(new Uint8Array(readFileSync(output)).buffer);
}

/** How far clip.cpp's rows are from ours, for one tile of the file's size. */
async function towerError(mmproj: string, pool: NativeThreadPool, draw = tileOf): Promise<number> {
  const tile = draw((await readVisionConfig(mmproj)).imageSize);
  const ours = await ourRows(mmproj, tile, pool);
  const clips = await clipRows(mmproj, tile);
  expect(clips).toHaveLength(ours.length);
  return relativeDifference(clips, ours);
}

/**
 * A copy in which every GELU is the identity in both towers, exact or approximate: 64 is added to what enters it,
 * and the layer behind takes the 64 away again.
 */
async function withoutGelu(mmproj: string): Promise<string> {
  const SHIFT = 64;
  const path = join(folder.path, 'linear.gguf');
  const bytes = readFileSync(mmproj);
  const tensors = new Map((await readGguf(mmproj)).tensors.map((tensor) => [tensor.name, tensor]));
  const values = (name: string) => floats(bytes, tensors.get(name)!);
  const { nLayer } = await readVisionConfig(mmproj);
  const blocks = Array.from({ length: nLayer }, (_, i) => `v.blk.${i}`);
  for (const [before, behind] of [
    ...blocks.map((block) => [`${block}.ffn_up`, `${block}.ffn_down`]),
    ['mm.0', 'mm.2'],
  ]) {
    const entering = values(`${before}.bias`);
    const weight = values(`${behind}.weight`);
    const leaving = values(`${behind}.bias`);
    entering.forEach((_, i) => {
      entering[i]! += SHIFT;
      for (let out = 0; out < leaving.length; out++)
        leaving[out]! -= SHIFT * weight[out * entering.length + i]!;
    });
  }
  writeFileSync(path, bytes);
  return path;
}

function floats(file: Buffer, { offset, bytes, type }: GgufTensor): Float32Array {
  expect(type).toBe('f32');
  return new Float32Array(file.buffer, file.byteOffset + offset, bytes / 4);
}

const built = skipUnless(hasPrograms, 'needs npm run test:interop');

describe('llama.cpp opens our mmproj and agrees', built, () => {
  let pool: NativeThreadPool;
  beforeAll(() => {
    pool = new (native().ThreadPool)(2);
  });
  afterAll(async () => {
    await pool.dispose();
    folder.remove();
  });

  it.each<[CheckpointName, MmprojOuttype, number]>([
    ['demo', 'f32', 1e-3],
    ['tiny384', 'f32', 1e-3],
    ['demo', 'f16', 1e-3],
    ['tiny384', 'f16', 1e-3],
    ['demo', 'q8_0', 2e-2],
    ['tiny384', 'q8_0', 2e-2],
  ])('%s, %s: within %f', async (checkpoint, type, bound) => {
    const { mmproj } = await convertedFiles(checkpoint, type);
    const error = await towerError(mmproj, pool);
    expect(error).toBeLessThan(bound);
  });

  it.each<CheckpointName>(['demo', 'tiny384'])(
    '%s: it is its GELU that differs',
    async (checkpoint) => {
      const { mmproj } = await convertedFiles(checkpoint, 'f32');
      const error = await towerError(await withoutGelu(mmproj), pool, blackAndWhite);
      expect(error).toBeLessThan(5e-5);
    },
  );
});
