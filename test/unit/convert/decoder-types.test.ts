/** The mixtures of the quantised types, against what llama-quantize chose (test/golden/make-quantize-types.mjs). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decoderType, requiresImportance } from '../../../src/convert/decoder-types.js';
import {
  baseType,
  fileType,
  type Outtype,
  outtypes,
  parseOuttype,
} from '../../../src/convert/outtypes.js';
import { ggmlTypeByName } from '../../../src/gguf/ggml-types.js';

interface Shape {
  nLayer: number;
  nEmbd: number;
  nFfn: number;
  nHead: number;
  nHeadKv: number;
  isTied: boolean;
}
interface Golden {
  shapes: Record<string, Shape>;
  cases: {
    shape: string;
    outtype: Outtype;
    hasImportance: boolean;
    types: Record<string, string>;
  }[];
}

const path = join(import.meta.dirname, '../../golden/quantize-types.json');
const golden: Golden = JSON.parse(readFileSync(path, 'utf8'));

/** "q6_K*2 q4_K" to [q6_K, q6_K, q4_K]. */
function expand(runs: string): string[] {
  return runs.split(' ').flatMap((run) => {
    const [type, count = '1'] = run.split('*');
    return new Array<string>(Number(count)).fill(type!);
  });
}

describe.each(Object.entries(golden.shapes))('a decoder (%s)', (name, shape) => {
  test.each(golden.cases.filter((item) => item.shape === name))(
    '$outtype, importances: $hasImportance',
    ({ outtype, hasImportance, types }) => {
      const choice = { ...shape, outtype, hasImportance };
      for (const [matrix, runs] of Object.entries(types)) {
        const width = matrix === 'ffn_down' ? shape.nFfn : shape.nEmbd;
        const isBlock = /^(attn|ffn)_/.test(matrix);
        const actual = expand(runs).map((_, i) =>
          decoderType(
            isBlock ? `blk.${i}.${matrix}.weight` : `${matrix}.weight`,
            [width, 64],
            choice,
          ),
        );
        expect(actual, matrix).toEqual(expand(runs));
      }
    },
  );
});

const shape = { nLayer: 3, nHead: 4, nHeadKv: 2, isTied: true, hasImportance: false };

test('vectors are f32, and floating point types have no mixture', () => {
  for (const outtype of outtypes)
    expect(decoderType('blk.0.attn_q.bias', [256], { ...shape, outtype })).toBe('f32');
  for (const outtype of ['f32', 'f16', 'bf16'] as const)
    expect(decoderType('token_embd.weight', [33, 64], { ...shape, outtype })).toBe(outtype);
});

test('rows that no block of a type fits are f16 or in smaller blocks', () => {
  const type = (width: number) =>
    decoderType('blk.0.ffn_up.weight', [width, 64], { ...shape, outtype: 'q1_0' });
  expect([384, 320, 336].map(type)).toEqual(['q1_0', 'q4_0', 'f16']);
});

test('the types that are garbage without importances', () => {
  expect(requiresImportance('blk.0.attn_q.weight', 'iq2_xs', 'iq2_xs')).toBe(true);
  expect(requiresImportance('token_embd.weight', 'iq2_xs', 'iq2_xs')).toBe(false);
  expect(requiresImportance('blk.0.attn_q.weight', 'q2_K', 'q2_k')).toBe(false);
  expect(requiresImportance('blk.0.attn_q.weight', 'q2_K', 'q2_k_s')).toBe(true);
  expect(requiresImportance('blk.0.attn_q.weight', 'iq3_s', 'iq3_m')).toBe(false);
});

test('names: any case, and the short ones of llama-quantize', () => {
  expect(['Q4_K_M', 'q4_K', 'IQ2_xs', 'q8_0', 'q9_0', 'Q4'].map(parseOuttype)).toEqual([
    'q4_k_m',
    'q4_k_m',
    'iq2_xs',
    'q8_0',
    undefined,
    undefined,
  ]);
  expect(new Set(outtypes.map(fileType)).size).toBe(outtypes.length);
  expect(outtypes.every((outtype) => ggmlTypeByName(baseType(outtype)))).toBe(true);
});
