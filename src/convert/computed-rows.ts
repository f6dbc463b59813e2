/** Tensors whose values are not written as they are stored: their rows are computed in f32 when they are read. */
import { withFile } from '../files/with-file.js';
import { checkpointError } from './checkpoint-error.js';
import { type TensorSource, tensorBytes } from './gguf-plan.js';

/** The same matrix with all values multiplied. */
export function scaledRows(source: TensorSource, factor: number): TensorSource {
  const [width] = source.shape as [number];
  return computed(source, source.shape, async (first, count) =>
    (await readValues(source, first * width, count * width)).map((value) => value * factor),
  );
}

/** The transposed matrix, for one of few stored rows: each is visited for every range of rows that is asked for. */
export function transposedRows(source: TensorSource): TensorSource {
  const [nRows, width] = source.shape as [number, number];
  return computed(source, [width, nRows], async (first, count) => {
    const rows = new Float32Array(count * width);
    for (let column = 0; column < width; column++) {
      const values = await readValues(source, column * nRows + first, count);
      values.forEach((value, row) => {
        rows[row * width + column] = value;
      });
    }
    return rows;
  });
}

function computed(
  source: TensorSource,
  shape: number[],
  rows: NonNullable<TensorSource['rows']>,
): TensorSource {
  const bytes = tensorBytes({ shape, type: 'f32' });
  return { ...source, type: 'f32', shape, bytes, rows };
}

/** Values from the `start`-th on. */
async function readValues(
  { file: path, type, offset }: TensorSource,
  start: number,
  count: number,
): Promise<Float32Array> {
  const width = tensorBytes({ shape: [1], type });
  const bytes = Buffer.alloc(count * width);
  const position = offset + start * width;
  const { bytesRead } = await withFile(path, 'r', (file) =>
    file.read(bytes, 0, bytes.length, position),
  );
  if (bytesRead < bytes.length)
    throw checkpointError(path, 'it has become shorter while it was being read.');
  return Float32Array.from({ length: count }, (_, i) => readers[type]!(bytes, i * width));
}

const readers: Record<string, (bytes: Buffer, at: number) => number> = {
  f32: (bytes, at) => bytes.readFloatLE(at),
  f16: (bytes, at) => fromF16(bytes.readUInt16LE(at)),
  bf16: (bytes, at) => {
    const widened = Buffer.from([0, 0, bytes[at]!, bytes[at + 1]!]);
    return widened.readFloatLE(0);
  },
};

function fromF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
