/** Makes importance matrices in both of llama.cpp's formats. */
import { ggufBytes } from './gguf.js';

export interface TestImportance {
  sums: Float32Array;
  /** Of rows seen; the importances are sums / count. */
  count: number;
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
