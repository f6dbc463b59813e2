import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { byteSize } from '../../../../src/byte-size.js';
import { inspectFile } from '../../../../src/cli/inspect/file.js';
import { printInspection } from '../../../../src/cli/inspect/print.js';
import { decoderGguf, ggufBytes, type TestGguf } from '../../../support/gguf.js';
import { mmprojGguf, mmprojSizes } from '../../../support/mmproj.js';
import { bf16Tensor, safetensorsBytes, writeCheckpoint } from '../../../support/safetensors.js';

const dir = mkdtempSync(join(tmpdir(), 'inspect-'));
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
}

test('a decoder: metadata with long arrays cut, totals, what its cache takes', async () => {
  const gguf = decoderGguf();
  const merges = Array.from({ length: 100 }, (_, i) => `a b${i}`);
  gguf.entries['tokenizer.ggml.merges'] = ['string[]', merges];
  gguf.entries.huge = ['u64', 2n ** 60n];
  const inspection = await inspectFile(file('decoder.gguf', ggufBytes(gguf)));
  expect(inspection).toMatchObject({
    format: 'gguf',
    version: 3,
    metadata: {
      'qwen2.block_count': 1,
      huge: '1152921504606846976',
      'tokenizer.ggml.token_type': [1, 1, 3, 5],
      'tokenizer.ggml.merges': { type: 'string', length: 100, first: merges.slice(0, 6) },
    },
    totals: { tensors: gguf.tensors.length },
    // 1 layer, keys and values, 1024 positions of one head of 4
    kvBytesPer1024: { f16: 2 * 1024 * 4 * 2 },
  });
  const { parameters, bytes } = inspection.totals;
  expect(bytes).toBe(parameters * 4);
  expect(inspection.totals.types).toEqual({ f32: { tensors: gguf.tensors.length, bytes } });
  expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection);
  const text = printInspection(inspection);
  expect(text).toContain('token_embd.weight');
  expect(text).toContain('"a b5", …] (100 string)');
  expect(text).toContain('KV cache for 1024 positions: 32.8 kB in f32, 16.4 kB in f16');
});

describe('a split decoder', () => {
  const write = (files: number[]) => {
    const gguf = decoderGguf();
    const half = 3;
    const parts = [gguf.tensors.slice(0, half), gguf.tensors.slice(half)];
    for (const i of files) {
      const entries: TestGguf['entries'] = {
        ...(i === 0 ? gguf.entries : {}),
        'split.no': ['u16', i],
        'split.count': ['u16', 2],
        'split.tensors.count': ['i32', gguf.tensors.length],
      };
      file(`split-0000${i + 1}-of-00002.gguf`, ggufBytes({ entries, tensors: parts[i]! }));
    }
    return { path: join(dir, 'split-00001-of-00002.gguf'), gguf };
  };

  test('is shown whole by its first file, alone by another', async () => {
    const { path, gguf } = write([0, 1]);
    const whole = await inspectFile(file('whole.gguf', ggufBytes(gguf)));
    const split = await inspectFile(path);
    expect(split.totals).toEqual(whole.totals);
    expect(split.tensors).toEqual(whole.tensors);
    expect(split.memory).toEqual(whole.memory);
    expect(split.parts).toEqual({ count: 2 });
    expect(printInspection(split)).toMatch(/\d+ tensors, .* in 2 files\n/);
    const second = await inspectFile(path.replace('00001-of', '00002-of'));
    expect(second.totals.tensors).toBe(gguf.tensors.length - 3);
  });

  test('that lacks files says so', async () => {
    const { path } = write([0]);
    rmSync(path.replace('00001-of', '00002-of'), { force: true });
    const first = await inspectFile(path);
    expect(first.totals.tensors).toBe(3);
    expect(printInspection(first)).toMatch(/^3 tensors, .* in the first of 2 files \(.*00002-of/m);
  });
});

describe('memory of a decoder', () => {
  const path = () => file('memory.gguf', ggufBytes(decoderGguf()));

  test('at a context length, by type of the KV cache', async () => {
    const [small, large] = await Promise.all(
      [512, 5120].map(async (contextSize) => (await inspectFile(path(), { contextSize })).memory!),
    );
    expect(large).toMatchObject({ contextSize: 5120, hasVision: false });
    const { f32, f16 } = large!.byKvType;
    // 1 layer, keys and values of one head of 4
    expect(f32!.kvCache).toBe(5120 * 2 * 4 * 4);
    expect(f16!.kvCache).toBe(f32!.kvCache / 2);
    expect(f16!.host).toBe(f16!.weights + f16!.kvCache + f16!.compute);
    expect(f16!.gpu).toBe(0);
    expect(f32!.kvCache).toBe(10 * small!.byKvType.f32!.kvCache);
    // Blocks of 32 do not fit heads of 4.
    expect(large!.byKvType).not.toHaveProperty('q8_0');
  });

  test('is that of a load by default, and of both files when there are two', async () => {
    const alone = await inspectFile(path());
    expect(alone.memory!.contextSize).toBe(
      Math.min(16384, alone.metadata['qwen2.context_length'] as number),
    );
    const text = printInspection(alone);
    expect(text).toMatch(/Memory for \d+ positions \(without an mmproj\):\n +KV type +weights/);
    const nProjection = alone.metadata['qwen2.embedding_length'] as number;
    const mmproj = file('fitting.gguf', ggufBytes(mmprojGguf({ nProjection })));
    const both = await inspectFile(path(), { mmproj });
    expect(both.memory!.hasVision).toBe(true);
    expect(both.memory!.byKvType.f16!.vision).toBeGreaterThan(0);
    expect(printInspection(both)).toMatch(/tower +pictures +together/);
    const imageSizes = [{ width: 14, height: 28 }];
    const { images, memory } = await inspectFile(path(), { mmproj, imageSizes });
    expect(memory).toEqual(both.memory);
    expect(images).toEqual((await inspectFile(mmproj, { imageSizes })).images);
  });

  test('is refused for other files, and for an mmproj of another model', async () => {
    const mmproj = file('mmproj.gguf', ggufBytes(mmprojGguf()));
    for (const argument of ['contextSize', 'mmproj'])
      await expect(inspectFile(mmproj, { [argument]: 512 })).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        argument,
      });
    const other = file('other-width.gguf', ggufBytes(mmprojGguf({ nProjection: 20 })));
    await expect(inspectFile(path(), { mmproj: other })).rejects.toMatchObject({
      code: 'ERR_MODEL_MISMATCH',
    });
  });

  test('of one that cannot be loaded is not shown, unless it is asked for', async () => {
    const gguf = decoderGguf();
    gguf.tensors.pop();
    const broken = file('broken.gguf', ggufBytes(gguf));
    expect(await inspectFile(broken)).not.toHaveProperty('memory');
    await expect(inspectFile(broken, { contextSize: 512 })).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
    });
  });
});

describe('visual rows of an mmproj', () => {
  const { side, imageSize } = mmprojSizes;
  const path = () => file('mmproj.gguf', ggufBytes(mmprojGguf()));

  test('for sizes that were asked for', async () => {
    const imageSizes = [
      { width: imageSize, height: imageSize },
      { width: imageSize, height: 2 * imageSize },
    ];
    const inspection = await inspectFile(path(), { imageSizes });
    const overview = side ** 2;
    expect(inspection.images).toEqual([
      { ...imageSizes[0], tiles: 2, rows: overview + side * (side + 1) },
      { ...imageSizes[1], tiles: 3, rows: overview + 2 * side * (side + 1) },
    ]);
    expect(inspection.grids).toEqual([
      { cols: 1, rows: 1 },
      { cols: 1, rows: 2 },
    ]);
    const pooled = Math.ceil(side / 2) ** 2;
    expect(inspection.otherMedia).toEqual({
      oneOfSeveral: overview + 1,
      videoFrames: 32,
      video: 32 * pooled + 1,
    });
    const text = printInspection(inspection);
    expect(text).toMatch(/pixels +grid +tiles +rows\n +14×14 +1×1 +2 +21\n +14×28 +1×2 +3 +33\n/);
    expect(text).toContain(`One of several pictures: ${overview + 1} rows`);
  });

  test('zeros in its FFN are no parameters', async () => {
    const plain = await inspectFile(path());
    const nFfn = plain.metadata['clip.vision.feed_forward_length'] as number;
    const gguf = mmprojGguf();
    gguf.entries['llavaov.ffn_length'] = ['u32', nFfn - 1];
    const { totals, tensors } = await inspectFile(file('padded.gguf', ggufBytes(gguf)));
    const padded = tensors.filter(({ name }) => /ffn_(up|down\.weight)/.test(name));
    const zeros = padded.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b) / nFfn, 0);
    expect(zeros).toBeGreaterThan(0);
    expect(totals).toEqual({ ...plain.totals, parameters: plain.totals.parameters - zeros });
  });

  test('for common sizes by default, a tile first', async () => {
    const { images } = await inspectFile(path());
    expect(images![0]).toMatchObject({ width: imageSize, height: imageSize });
    expect(images!.length).toBeGreaterThan(4);
  });

  test('are refused for other files', async () => {
    const imageSizes = [{ width: 3, height: 3 }];
    const decoder = file('decoder.gguf', ggufBytes(decoderGguf()));
    await expect(inspectFile(decoder, { imageSizes })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'imageSize',
    });
  });
});

test('a GGUF file of anything else', async () => {
  const bytes = ggufBytes({ entries: { a: ['bool', true] }, tensors: [] });
  const inspection = await inspectFile(file('other.gguf', bytes));
  expect(inspection).not.toHaveProperty('kvBytesPer1024');
  expect(inspection).not.toHaveProperty('images');
  expect(inspection).not.toHaveProperty('memory');
  expect(printInspection(inspection)).toContain('0 tensors, 0 parameters');
});

test('a safetensors file', async () => {
  const bytes = safetensorsBytes({ a: bf16Tensor([2, 3]) });
  expect(await inspectFile(file('some.safetensors', bytes))).toMatchObject({
    format: 'safetensors',
    metadata: { format: 'pt' },
    tensors: [{ name: 'a', shape: [2, 3], type: 'bf16', bytes: 12 }],
    totals: { tensors: 1, parameters: 6, bytes: 12 },
  });
});

test('a checkpoint folder', async () => {
  writeCheckpoint(dir);
  const inspection = await inspectFile(dir);
  expect(inspection).toMatchObject({ format: 'checkpoint', metadata: { hidden_size: 32 } });
  expect(inspection.totals.bytes).toBe(inspection.totals.parameters * 2);
});

test('malformed and absent files say so', async () => {
  const broken = { code: 'ERR_MODEL_LOAD' };
  await expect(inspectFile(file('x.gguf', Buffer.from('GGUF')))).rejects.toMatchObject(broken);
  await expect(inspectFile(join(dir, 'absent'))).rejects.toMatchObject(broken);
});

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.00 kB'],
  [999_499, '999 kB'],
  [999_501, '1.00 MB'],
  [1_787_236_416, '1.79 GB'],
  [73e12, '73.0 TB'],
])('%i bytes are %s', (bytes, text) => {
  expect(byteSize(bytes)).toBe(text);
});
