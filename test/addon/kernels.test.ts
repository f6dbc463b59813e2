// Our kernels within both graphs, at the widths of the published 0.5B model and its tower (one layer, random weights): they
// compute every product and attention, so that a new llama.cpp cannot switch them off in silence, and what llama.cpp does.
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeKernelChoice, NativeSample } from '../../src/binding.js';
import { NORMALIZATION, randomTower, type TowerSizes } from '../support/siglip-reference.js';
import {
  CONTEXT_OPTIONS,
  GREEDY,
  modelOptions,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const binding = native();
const { instructionSet } = binding.kernels();
const folder = temporaryFolder();
afterAll(() => folder.remove());

const DECODER = { nLayer: 1, nEmbd: 896, nHead: 14, nHeadKv: 2, nFfn: 4864 };
const TOWER: TowerSizes = {
  ...{ imageSize: 84, patchSize: 14, nEmbd: 1152, nFfn: 4304, nHead: 16, nLayer: 1 },
  nProjection: 896,
};
const PROMPT = Int32Array.from({ length: 40 }, (_, i) => (i * 37) % 256);

async function countNodes(work: () => Promise<void>): Promise<{ asked: number; taken: number }> {
  const before = binding.kernels().counts;
  await work();
  const { asked, taken } = binding.kernels().counts;
  return { asked: asked - before.asked, taken: taken - before.taken };
}

/** What follows a prompt of 40 tokens, then one more. */
async function answer(path: string, kernels: NativeKernelChoice): Promise<NativeSample[]> {
  const model = await binding.loadModel({ ...modelOptions(path), kernels }, null, null);
  const pool = new binding.ThreadPool(1);
  const context = await binding.createContext(model, pool, {
    ...CONTEXT_OPTIONS,
    ...{ kvTypeK: 'f16', kvTypeV: 'f16', flashAttention: kernels === 'auto' ? 'on' : 'off' },
  });
  const sampler = new binding.Sampler(model, GREEDY);
  const samples: NativeSample[] = [];
  for (const [position, data] of [
    [0, PROMPT],
    [PROMPT.length, Int32Array.of(7)],
  ] as const) {
    const [sample] = await context.step([{ sequence: 0, position, data, sampler }]);
    samples.push(sample!);
  }
  for (const handle of [sampler, context, pool, model]) await handle.dispose();
  return samples;
}

async function encode(path: string, kernels: NativeKernelChoice): Promise<Float32Array> {
  const pool = new binding.ThreadPool(1);
  const options = {
    ...{ path, kernels, useGpu: false, ...TOWER },
    layerNormEpsilon: NORMALIZATION.epsilon,
    imageMean: Float32Array.from(NORMALIZATION.mean),
    imageStd: Float32Array.from(NORMALIZATION.std),
  };
  const encoder = await binding.loadVisionEncoder(options, pool, null);
  const tile = Uint8Array.from({ length: TOWER.imageSize ** 2 * 3 }, (_, i) => (i * i * 31) >> 3);
  const rows = new Float32Array(encoder.nPatches * TOWER.nProjection);
  await encoder.encode(tile, rows, null);
  for (const handle of [encoder, pool]) await handle.dispose();
  return rows;
}

async function writeTower(type: string): Promise<string> {
  const path = join(folder.path, `tower-${type}.gguf`);
  const writer = new binding.GgufWriter(path);
  const tensors = randomTower(TOWER);
  writer.setValue('general.architecture', 'string', 'clip');
  for (const { name, shape } of tensors) {
    const isQuantised = shape.length === 2 && shape[0]! % 32 === 0 && !name.startsWith('v.p');
    writer.addTensor(name, isQuantised ? type : 'f32', shape);
  }
  await writer.begin();
  for (const { data } of tensors) await writer.write('f32', new Uint8Array(data.buffer));
  await writer.finish();
  return path;
}

/** |a - b| / |b| */
function distance(a: Float32Array, b: Float32Array): number {
  let [difference, size] = [0, 0];
  for (const [i, value] of b.entries()) {
    difference += (a[i]! - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(difference / size);
}

describe.skipIf(instructionSet === null)('the decoder', () => {
  it.each([
    // With an f16 cache, beside which llama.cpp rounds the queries to f16 too.
    ['f32', 5e-3],
    // And activations, where it has no tiles for them: that is 0.0075 off, ours are not.
    ['f16', 1e-2],
    ['bf16', 3e-2],
    // ggml rounds activations to eight bits, which is 0.03 to 0.08 off the same weights in f32; tiles to bf16, off by 0.03.
    ['q8_0', 0.15],
    ['q5_0', 0.15],
  ])('of %s is ours in every product and attention', async (type, tolerance) => {
    const path = await writeTinyDecoder(join(folder.path, `${type}.gguf`), {
      sizes: DECODER,
      type,
    });
    let ours: NativeSample[] = [];
    const { asked, taken } = await countNodes(async () => {
      ours = await answer(path, 'auto');
    });
    // Of each step: q, k, v, out, gate, up, down, head, and an attention.
    expect(asked).toBeGreaterThanOrEqual(2 * 9);
    expect(taken).toBe(asked);
    const theirs = await answer(path, 'ggml');
    for (const [i, { token, logprob }] of theirs.entries()) {
      expect(ours[i]!.token).toBe(token);
      expect(Math.abs(ours[i]!.logprob - logprob)).toBeLessThan(tolerance);
    }
  });
});

describe.skipIf(instructionSet === null)('the tower', () => {
  it.each([
    ['f32', 1e-6],
    ['f16', 5e-4],
    ['q8_0', 2e-2],
  ])('of %s is ours in every product and attention', async (type, tolerance) => {
    const path = await writeTower(type);
    let ours: Float32Array | undefined;
    const { asked, taken } = await countNodes(async () => {
      ours = await encode(path, 'auto');
    });
    // The patches, q, k and v in one, out, up, down, two of the projector, and an attention.
    expect(asked).toBeGreaterThanOrEqual(8);
    expect(taken).toBe(asked);
    expect(distance(ours!, await encode(path, 'ggml'))).toBeLessThan(tolerance);
  });
});

it("models with our kernels and with ggml's are not loaded at one time", async () => {
  const path = await writeTinyDecoder(join(folder.path, 'tiny.gguf'));
  const model = await binding.loadModel(modelOptions(path), null, null);
  onTestFinished(() => model.dispose());
  const second = binding.loadModel({ ...modelOptions(path), kernels: 'ggml' }, null, null);
  await expect(second).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument: 'kernels',
    message: expect.stringContaining("'auto'"),
  });
  await model.dispose();
  const alone = await binding.loadModel({ ...modelOptions(path), kernels: 'ggml' }, null, null);
  await alone.dispose();
});
