import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { byteSize } from '../../src/cli/byte-size.js';
import { inspectFile } from '../../src/cli/inspect-file.js';
import { printInspection } from '../../src/cli/inspect-print.js';
import { decoderGguf, ggufBytes } from '../support/gguf.js';
import { bf16Tensor, safetensorsBytes, writeCheckpoint } from '../support/safetensors.js';

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
  expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection);
  const text = printInspection(inspection);
  expect(text).toContain('token_embd.weight');
  expect(text).toContain('"a b5", …] (100 string)');
  expect(text).toContain('KV cache for 1024 positions: 32.8 kB in f32, 16.4 kB in f16');
});

test('a GGUF file of anything else', async () => {
  const bytes = ggufBytes({ entries: { a: ['bool', true] }, tensors: [] });
  const inspection = await inspectFile(file('other.gguf', bytes));
  expect(inspection).not.toHaveProperty('kvBytesPer1024');
  expect(inspection).not.toHaveProperty('images');
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
