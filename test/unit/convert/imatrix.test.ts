import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imatrixEntries, readImatrix } from '../../../src/convert/imatrix.js';
import { ggufBytes } from '../../support/gguf.js';
import { binaryImatrix, ggufImatrix } from '../../support/imatrix.js';

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'imatrix-')), 'imatrix.gguf');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true }));

const entries = {
  'blk.0.attn_q.weight': { sums: Float32Array.of(3, 0, 1), count: 3 },
  'blk.0.ffn_up.weight': { sums: Float32Array.of(5, 6), count: 0 },
};

describe.each([
  ['GGUF', ggufImatrix, [1, 1]],
  ['binary', binaryImatrix, [5, 6]],
] as const)('the %s format', (_, make, unseen) => {
  test('gives sums over counts; zeros count a little', async () => {
    writeFileSync(path, make(entries));
    const imatrix = await readImatrix(path);
    expect([...imatrix.importances.keys()].sort()).toEqual(Object.keys(entries));
    expect([...imatrix.importances.get('blk.0.attn_q.weight')!]).toEqual([
      1,
      Math.fround(1e-20),
      Math.fround(1 / 3),
    ]);
    expect([...imatrix.importances.get('blk.0.ffn_up.weight')!]).toEqual(unseen);
    expect(imatrixEntries(imatrix)).toEqual([
      { key: 'quantize.imatrix.file', type: 'string', value: 'imatrix.gguf' },
      { key: 'quantize.imatrix.dataset', type: 'string', value: 'pictures.txt' },
      { key: 'quantize.imatrix.entries_count', type: 'u32', value: 2 },
      { key: 'quantize.imatrix.chunks_count', type: 'u32', value: 7 },
    ]);
  });

  test.each([Number.NaN, -1, 1e13, Number.POSITIVE_INFINITY])('refuses %s', async (value) => {
    const bad = { 'blk.0.attn_q.weight': { sums: Float32Array.of(value), count: 1 } };
    writeFileSync(path, make(bad));
    await expect(readImatrix(path)).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      path,
      message: expect.stringContaining("'blk.0.attn_q.weight'"),
    });
  });

  test('refuses a file cut at any byte', async () => {
    const whole = make(entries);
    const last = make === binaryImatrix ? whole.length - 20 : whole.length - 28;
    for (let length = 0; length < last; length += 7) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      await expect(readImatrix(path), `${length} bytes`).rejects.toMatchObject({
        code: 'ERR_MODEL_LOAD',
      });
    }
  });
});

test('refuses a file that is not there, and a GGUF that is none', async () => {
  await expect(readImatrix(path)).rejects.toMatchObject({ code: 'ERR_MODEL_LOAD' });
  writeFileSync(
    path,
    ggufBytes({ entries: {}, tensors: [{ name: 'a', shape: [1], type: 'f32' }] }),
  );
  await expect(readImatrix(path)).rejects.toThrow(/no importances/);
  const tensors = [{ name: 'a.in_sum2', shape: [2], type: 'f32' }];
  writeFileSync(path, ggufBytes({ entries: {}, tensors }));
  await expect(readImatrix(path)).rejects.toThrow(/'a.counts' is missing/);
});
