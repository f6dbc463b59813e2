// llama.cpp's own vision tower on our mmproj files, next to ours. See docs/interop.md for what the bounds mean.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NativeThreadPool, native } from '../../src/binding.js';
import { type GgufTensor, readGguf } from '../../src/gguf/reader.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { type CheckpointName, convertedFiles } from '../support/golden.js';
import { randomUniform } from '../support/random.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const PROGRAM = join(import.meta.dirname, '../../.build/cmake/interop/llava-onevision-interop');
const folder = temporaryFolder();
const binding = native();

/** Smooth colours above noise. */
function tileOf(side: number): Uint8Array {
  const random = randomUniform(7);
  return Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / (3 * side))];
    return y < side / 2 ? (255 * x) / side : 256 * random();
  });
}

/** Black and white noise: -1 and 1 when normalised, which f16 holds exactly (clip.cpp rounds pixels to it). */
function blackAndWhite(side: number): Uint8Array {
  return tileOf(side).map((byte) => (byte < 128 ? 0 : 255));
}

async function clipRows(mmproj: string, tile: Uint8Array): Promise<Float32Array> {
  const [input, output] = [join(folder.path, 'tile.rgb'), join(folder.path, 'rows.f32')];
  writeFileSync(input, tile);
  const child = spawn(PROGRAM, [mmproj, '2', 'softmax'], { stdio: ['pipe', 'ignore', 'pipe'] });
  child.stdin.end(`${input} ${output}\n`);
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`exit ${status}:\n${log.slice(-2000)}`);
  const bytes = readFileSync(output);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  expect(actual).toHaveLength(expected.length);
  const square = (sum: number, value: number) => sum + value * value;
  const difference = actual.map((value, i) => value - expected[i]!).reduce(square, 0);
  return Math.sqrt(difference / expected.reduce(square, 0));
}

/** How far clip.cpp's rows are from ours, for one tile of the file's size. */
async function towerError(mmproj: string, pool: NativeThreadPool, draw = tileOf): Promise<number> {
  const config = await readVisionConfig(mmproj);
  const options = {
    ...config,
    imageMean: Float32Array.from(config.imageMean),
    imageStd: Float32Array.from(config.imageStd),
    useGpu: false,
  };
  const encoder = await binding.loadVisionEncoder(options, pool, null);
  const tile = draw(config.imageSize);
  const ours = new Float32Array(encoder.nPatches * config.nProjection);
  await encoder.encode(tile, ours, null);
  await encoder.dispose();
  return relativeError(await clipRows(mmproj, tile), ours);
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

describe.skipIf(!existsSync(PROGRAM))('llama.cpp opens our mmproj and agrees', () => {
  let pool: NativeThreadPool;
  beforeAll(() => {
    pool = new binding.ThreadPool(2);
  });
  afterAll(async () => {
    await pool.dispose();
    folder.remove();
  });

  it.each<[CheckpointName, 'f32' | 'f16' | 'q8_0', number]>([
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
