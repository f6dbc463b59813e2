/** The number formats of checkpoints, decoded and encoded by definition rather than by the code under test. */

export function bf16ToFloats(bytes: Uint8Array): Float32Array {
  const words = new Uint16Array(copy(bytes));
  return new Float32Array(Uint32Array.from(words, (word) => word << 16).buffer);
}

export function f16ToFloats(bytes: Uint8Array): Float32Array {
  return Float32Array.from(new Uint16Array(copy(bytes)), fromF16);
}

export function f32ToFloats(bytes: Uint8Array): Float32Array {
  return new Float32Array(copy(bytes));
}

/** By GGUF's or safetensors' name of the type. */
export function toFloats(type: string, bytes: Uint8Array): Float32Array {
  const decode = { f32: f32ToFloats, f16: f16ToFloats, bf16: bf16ToFloats }[type.toLowerCase()];
  return decode!(bytes);
}

export function fromF16(word: number): number {
  const exponent = (word >> 10) & 31;
  const mantissa = word & 1023;
  const magnitude =
    exponent === 0
      ? mantissa * 2 ** -24
      : exponent === 31
        ? mantissa
          ? Number.NaN
          : Number.POSITIVE_INFINITY
        : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  return word & 0x8000 ? -magnitude : magnitude;
}

/** Rounds to nearest, ties to even; finite values below 65520 only. */
export function floatsToF16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, toF16);
}

function toF16(value: number): number {
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -24)));
  const units = magnitude / 2 ** (exponent - 10);
  const floor = Math.floor(units);
  const rest = units - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // The carry of a mantissa that rounds up to the next power of two runs into the exponent by itself.
  return sign | (((exponent + 14) << 10) + rounded);
}

function copy(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
