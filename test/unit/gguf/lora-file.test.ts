/** Adapters in GGUF are read, or refused before llama.cpp sees them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { readDecoderFile } from '../../../src/gguf/decoder-file.js';
import { checkLoraFits, readLoraFile } from '../../../src/gguf/lora-file.js';
import { resolveLoadOptions } from '../../../src/load/load-options.js';
import { estimateMemory } from '../../../src/load/memory.js';
import type { MemoryOptions } from '../../../src/load/memory-options.js';
import { fakeModel } from '../../support/fake-model.js';
import { ggufBytes } from '../../support/gguf.js';
import { foreignLoras, loraGguf, malformedLoras } from '../../support/lora-gguf.js';
import { TINY } from '../../support/tiny-decoder.js';

const dir = mkdtempSync(join(tmpdir(), 'lora-file-'));
afterAll(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'adapter.gguf');
const decoder = { ...TINY, path: 'decoder.gguf', isTied: false };

const read = (bytes: Buffer) => {
  writeFileSync(path, bytes);
  return readLoraFile(path);
};

describe('an adapter', () => {
  it('is read', async () => {
    const file = await read(ggufBytes(loraGguf()));
    expect(file).toMatchObject({
      path,
      alpha: 8,
      tensorBytes: 4 * 4 * (288 + 64 + 128 + 160 + 352),
    });
    expect(file.pairs).toHaveLength(4);
    expect(() => checkLoraFits(file, decoder)).not.toThrow();
  });

  it('may have no alpha, and rank 1', async () => {
    const file = loraGguf();
    delete file.entries['adapter.lora.alpha'];
    file.tensors = [
      { name: 'blk.0.attn_q.weight.lora_a', shape: [TINY.nEmbd], type: 'f32' },
      { name: 'blk.0.attn_q.weight.lora_b', shape: [1, TINY.nEmbd], type: 'f32' },
    ];
    const lora = await read(ggufBytes(file));
    expect(lora).toMatchObject({ alpha: 0, pairs: [{ a: [64, 1], b: [1, 64] }] });
    expect(() => checkLoraFits(lora, decoder)).not.toThrow();
  });

  it.each(['token_embd.weight', 'output.weight'])(
    'of %s does not fit a decoder whose head is its embedding',
    async (name) => {
      const file = loraGguf();
      file.tensors = file.tensors.filter((tensor) => tensor.name.startsWith(name));
      const lora = await read(ggufBytes(file));
      expect(() => checkLoraFits(lora, { ...decoder, isTied: true })).toThrow(
        expect.objectContaining({ code: 'ERR_MODEL_LOAD', path }),
      );
    },
  );

  it('is not taken for a decoder', async () => {
    writeFileSync(path, ggufBytes(loraGguf()));
    await expect(readDecoderFile(path)).rejects.toThrow(/adapter/);
  });
});

test.each(malformedLoras)('malformed: $what', async ({ bytes, message }) => {
  const error = await read(bytes).catch((reason) => reason);
  expect(error).toMatchObject({ name: 'LlavaError', code: 'ERR_MODEL_LOAD', path });
  expect(error.message).toMatch(message);
});

test.each(foreignLoras)('for another decoder: $what', async ({ bytes, message }) => {
  const lora = await read(bytes);
  expect(() => checkLoraFits(lora, decoder)).toThrow(message);
  expect(() => checkLoraFits(lora, decoder)).toThrow(/decoder\.gguf/);
});

describe('the load option', () => {
  const resolve = (lora: unknown) => resolveLoadOptions({ model: 'm.gguf', lora }).lora;

  it.each([
    [undefined, []],
    ['a.gguf', [{ path: 'a.gguf', scale: 1 }]],
    [{ path: 'a.gguf', scale: -0.5 }, [{ path: 'a.gguf', scale: -0.5 }]],
    [
      ['a.gguf', { path: 'b.gguf' }, { path: 'b.gguf', scale: 0 }],
      [
        { path: 'a.gguf', scale: 1 },
        { path: 'b.gguf', scale: 1 },
        { path: 'b.gguf', scale: 0 },
      ],
    ],
  ])('%j', (lora, expected) => {
    expect(resolve(lora)).toEqual(expected);
  });

  it.each([
    [7, 'lora'],
    [null, 'lora'],
    ['', 'lora'],
    [[['a.gguf']], 'lora'],
    [{ scale: 1 }, 'lora'],
    [{ path: 'a.gguf', size: 1 }, 'lora.size'],
    [{ path: 'a.gguf', scale: '1' }, 'lora.scale'],
    [{ path: 'a.gguf', scale: Number.NaN }, 'lora.scale'],
    [{ path: 'a.gguf', scale: 1001 }, 'lora.scale'],
  ])('refuses %j', (lora, argument) => {
    expect(() => resolve(lora)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
    );
  });

  it('reaches the addon', async () => {
    const lora = [{ path: 'a.gguf', scale: 0.5 }, 'b.gguf'];
    const { model, binding } = await fakeModel({}, { lora });
    expect(binding.contextOptions!.adapterScales).toEqual(Float32Array.of(0.5, 1));
    expect(model.info.lora.map(({ path }) => path)).toEqual(['a.gguf', 'b.gguf']);
    await model.dispose();
  });
});

it('counts as weights, and lies where the layers do', () => {
  const options: MemoryOptions = {
    decoder: {
      ...{ ...TINY, headDim: 32, tensorBytes: 1e6, isTied: false, headBytes: 0, headType: 'f16' },
      layerBytes: new Array<number>(TINY.nLayer).fill(1e5),
    },
    vision: null,
    ...{ contextSize: 256, microBatchSize: 64, nOutputs: 1, gpuTilesPerCall: 4 },
    ...{ kvType: { k: 'f16', v: 'f16' }, flashAttention: 'off' },
  };
  const gpus = [
    {
      ...{ name: 'GPU', description: '', backend: 'CUDA', type: 'gpu' as const },
      memoryFree: 1e9,
      memoryTotal: 1e9,
    },
  ];
  const placement = { gpuLayers: TINY.nLayer + 1, visionOnGpu: false, gpus, shares: [1] };
  const without = estimateMemory(options, placement);
  const estimate = estimateMemory({ ...options, loraBytes: 5000 }, placement);
  expect(estimate.weights - without.weights).toBe(5000);
  expect(estimate.gpu - without.gpu).toBeCloseTo(5000);
  expect(estimate.host).toBeCloseTo(without.host);
});
