/** Values through the real writer: what comes out is what went in, rounded as the type says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectFile } from '../../src/cli/inspect/file.js';
import { convert } from '../../src/convert/convert.js';
import { readDecoderFile } from '../../src/gguf/decoder-file.js';
import { fromF16, toFloats } from '../support/floats.js';
import { LMMS_NAMES, readSources, sourceName } from '../support/source-tensors.js';
import { readWritten } from '../support/written.js';

const root = join(import.meta.dirname, '../..');

let dir: string;

let outdir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'convert-'));
  outdir = join(dir, 'out');
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Dequantises q8_0: blocks of an f16 scale and 32 signed bytes. */
function fromQ8(bytes: Buffer): { values: number[]; scales: number[] } {
  const values: number[] = [];
  const scales: number[] = [];
  for (let block = 0; block < bytes.length; block += 34) {
    const scale = fromF16(bytes.readUInt16LE(block));
    scales.push(scale);
    for (let i = 0; i < 32; i++) values.push(scale * bytes.readInt8(block + 2 + i));
  }
  return { values, scales };
}

const nameOf = (tensor: { name: string }) => sourceName(tensor.name, LMMS_NAMES);

const checkpoints = {
  demo: join(root, 'demo/checkpoint'),
  tiny384: join(root, 'test/golden/checkpoints/tiny384'),
};

describe.each(Object.entries(checkpoints))('%s', (_, checkpoint) => {
  test('in f32 every value is the checkpoint’s, bit for bit', async () => {
    const result = await convert({ checkpoint, outdir, outtype: 'f32', mmprojOuttype: 'f32' });
    const originals = readSources(checkpoint);
    const tensors = await readWritten(result);
    for (const tensor of tensors) {
      const source = originals.get(nameOf(tensor))!;
      expect(tensor.shape, tensor.name).toEqual(source.shape.toReversed());
      const expected = toFloats(source.dtype, source.data);
      const actual = toFloats(tensor.type, tensor.data);
      expect(Buffer.from(actual.buffer).equals(Buffer.from(expected.buffer)), tensor.name).toBe(
        true,
      );
      originals.delete(nameOf(tensor));
    }
    expect([...originals.keys()].filter((name) => !name.includes('post_layernorm'))).toEqual([]);
    expect(result.model.tensors + result.mmproj.tensors).toBe(tensors.length);
    expect(result.dialect).toBe('llava-next');
  });

  test.each(['f16', 'bf16', 'q8_0'] as const)(
    'in %s values are rounded, vectors are not',
    async (type) => {
      const result = await convert({ checkpoint, outdir, outtype: type, mmprojOuttype: type });
      const originals = readSources(checkpoint);
      for (const tensor of await readWritten(result)) {
        if (!['f32', 'f16', 'bf16'].includes(tensor.type)) continue;
        const source = originals.get(nameOf(tensor))!;
        if (tensor.shape.join() !== source.shape.toReversed().join()) continue;
        const expected = toFloats(source.dtype, source.data);
        const actual = toFloats(tensor.type, tensor.data);
        // bf16 to f16 drops no bits of ordinary values, only those below its smallest exponents.
        const bound = tensor.type === 'f16' ? 2 ** -25 : 0;
        expect(
          actual.every((value, i) => Math.abs(value - expected[i]!) <= bound),
          tensor.name,
        ).toBe(true);
        if (tensor.shape.length === 1) expect(tensor.type, tensor.name).toBe('f32');
      }
      const decoder = await readDecoderFile(result.model.path);
      expect(decoder.gguf.tensors.find(({ name }) => name === 'token_embd.weight')!.type).toBe(
        type,
      );
    },
  );
});

test('inspect shows what a converted mmproj makes of pictures', async () => {
  const { mmproj } = await convert({ checkpoint: checkpoints.tiny384, outdir });
  const { images, totals } = await inspectFile(mmproj.path);
  expect(images).toContainEqual({ width: 1920, height: 1080, tiles: 16, rows: 7269 });
  expect(totals).toMatchObject({ tensors: mmproj.tensors, parameters: mmproj.parameters });
});

test('q8_0 is within half a step of the checkpoint', async () => {
  const result = await convert({ checkpoint: checkpoints.demo, outdir, outtype: 'q8_0' });
  const originals = readSources(checkpoints.demo);
  const quantised = (await readWritten(result)).filter(({ type }) => type === 'q8_0');
  expect(quantised.length).toBeGreaterThan(20);
  for (const tensor of quantised.slice(0, 6)) {
    const expected = toFloats('bf16', originals.get(nameOf(tensor))!.data);
    const { values, scales } = fromQ8(tensor.data);
    expect(values.length).toBe(expected.length);
    // Half a step, and 127 steps of a scale that is itself rounded to f16.
    const isClose = (value: number, i: number) =>
      Math.abs(value - expected[i]!) <= scales[i >> 5]! * (0.5 + 127 / 2048) + 2 ** -24;
    expect(values.every(isClose), tensor.name).toBe(true);
  }
});

test('the FFN of a q8_0 tower is padded with zeros: rows of fc1 and its bias, columns of fc2', async () => {
  const result = await convert({ checkpoint: checkpoints.demo, outdir, mmprojOuttype: 'q8_0' });
  const originals = readSources(checkpoints.demo);
  const tensors = new Map((await readWritten(result)).map((tensor) => [tensor.name, tensor]));
  const original = (name: string) => toFloats('bf16', originals.get(nameOf({ name }))!.data);

  const up = tensors.get('v.blk.0.ffn_up.weight')!;
  expect(up).toMatchObject({ shape: [144, 320], type: 'f16' });
  const upValues = toFloats(up.type, up.data);
  const upOriginal = original('v.blk.0.ffn_up.weight');
  expect(
    upValues.subarray(0, 304 * 144).every((v, i) => Math.abs(v - upOriginal[i]!) <= 2 ** -25),
  ).toBe(true);
  expect(upValues.subarray(304 * 144).every((value) => value === 0)).toBe(true);

  const bias = tensors.get('v.blk.0.ffn_up.bias')!;
  expect(toFloats(bias.type, bias.data)).toEqual(
    Float32Array.of(...original('v.blk.0.ffn_up.bias'), ...new Float32Array(16)),
  );

  const down = tensors.get('v.blk.0.ffn_down.weight')!;
  expect(down).toMatchObject({ shape: [320, 144], type: 'q8_0' });
  const { values } = fromQ8(down.data);
  const downOriginal = original('v.blk.0.ffn_down.weight');
  for (let row = 0; row < 144; row++) {
    expect(values.slice(row * 320 + 304, (row + 1) * 320).some((value) => value !== 0)).toBe(false);
    expect(values[row * 320 + 5]).toBeCloseTo(downOriginal[row * 304 + 5]!, 1);
  }
  expect(result.notes.join()).toMatch(/304 to 320/);
});
