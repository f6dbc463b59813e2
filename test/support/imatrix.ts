/** Makes importance matrices in both of llama.cpp's formats. */
import type { Outtype } from '../../src/convert/outtypes.js';
import { ggufBytes } from './gguf.js';

export interface TestImportance {
  sums: Float32Array;
  /** Of rows seen; the importances are sums / count. */
  count: number;
}

/** Types that are refused without importances. */
export const needImportance: Outtype[] = [
  ...(['iq3_xs', 'iq3_xxs', 'q2_k_s', 'iq2_m', 'iq2_s', 'iq2_xs', 'iq2_xxs'] as const),
  ...(['iq1_m', 'iq1_s'] as const),
];

/** Made up, for every matrix in the blocks of the demo checkpoint, or one with another width between. */
export function demoImportances(ffn = 512): Record<string, TestImportance> {
  const matrices = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];
  return Object.fromEntries(
    [0, 1, 2].flatMap((layer) =>
      matrices.map((name, i) => {
        const width = name === 'ffn_down' ? ffn : 256;
        return [`blk.${layer}.${name}.weight`, someImportance(width, layer * 7 + i)];
      }),
    ),
  );
}

export function ggufImatrix(entries: Record<string, TestImportance>): Buffer {
  const named = Object.entries(entries);
  return ggufBytes({
    entries: {
      'general.type': ['string', 'imatrix'],
      'imatrix.datasets': ['string[]', ['pictures.txt']],
      'imatrix.chunk_count': ['u32', 7],
      'imatrix.chunk_size': ['u32', 512],
    },
    tensors: named.flatMap(([name, { sums, count }]) => [
      { name: `${name}.in_sum2`, shape: [sums.length, 1], type: 'f32', data: bytes(sums) },
      { name: `${name}.counts`, shape: [1, 1], type: 'f32', data: bytes(Float32Array.of(count)) },
    ]),
  });
}

export function binaryImatrix(entries: Record<string, TestImportance>): Buffer {
  const i32 = (value: number) => bytes(Int32Array.of(value));
  const text = (value: string) => [i32(value.length), Buffer.from(value)];
  const named = Object.entries(entries);
  return Buffer.concat([
    i32(named.length),
    ...named.flatMap(([name, { sums, count }]) => [
      ...text(name),
      i32(count),
      i32(sums.length),
      bytes(sums),
    ]),
    i32(7),
    ...text('pictures.txt'),
  ]);
}

/** Positive numbers over four orders of magnitude, the same for the same seed. */
export function someImportance(width: number, seed: number): TestImportance {
  const sums = Float32Array.from(
    { length: width },
    (_, i) => 10 ** (4 * Math.abs(Math.sin(seed * 1000 + i * 0.7)) - 2),
  );
  return { sums, count: 3 };
}

function bytes(values: Float32Array | Int32Array): Buffer {
  return Buffer.from(values.buffer);
}
