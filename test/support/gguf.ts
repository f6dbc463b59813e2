/** Makes GGUF files in memory for tests, and the valid decoder that corruptions start from. */
import { decoderTensors } from '../../src/gguf/decoder-tensors.js';
import { ggmlTypes } from '../../src/gguf/ggml-types.js';

const typeIds: Record<string, number> = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  u64: 10,
  i64: 11,
  f64: 12,
};

/** A scalar type's name, or that of an array's elements followed by []. */
export type TestEntry = [type: string, value: unknown];

export interface TestGgufTensor {
  name: string;
  shape: number[];
  type: string;
  /** Default: where the previous tensor's padded data ends. */
  offset?: number;
  /** Default: zeros. */
  data?: Uint8Array;
}

export interface TestGguf {
  version?: number;
  entries: Record<string, TestEntry>;
  tensors: TestGgufTensor[];
  nKeys?: bigint;
  nTensors?: bigint;
}

/** The bytes of a GGUF file. */
export function ggufBytes({ version = 3, entries, tensors, ...counts }: TestGguf): Buffer {
  const parts = [
    Buffer.from('GGUF'),
    number('u32', version),
    number('u64', counts.nTensors ?? tensors.length),
    number('u64', counts.nKeys ?? Object.keys(entries).length),
  ];
  for (const [key, [type, value]] of Object.entries(entries))
    parts.push(text(key), entry(type, value));
  let end = 0;
  for (const tensor of tensors) {
    const { id, bytes } = layout(tensor);
    parts.push(text(tensor.name), number('u32', tensor.shape.length));
    parts.push(...tensor.shape.map((size) => number('u64', size)), number('u32', id));
    parts.push(number('u64', tensor.offset ?? end));
    end += pad(bytes);
  }
  const header = Buffer.concat(parts);
  const data = tensors.map((tensor) => {
    const out = Buffer.alloc(pad(layout(tensor).bytes));
    out.set(tensor.data ?? []);
    return out;
  });
  return Buffer.concat([header, Buffer.alloc(pad(header.length) - header.length), ...data]);
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number('u64', bytes.length), bytes]);
}

export function number(type: string, value: number | bigint | boolean): Buffer {
  const out = Buffer.alloc(8);
  const view = new DataView(out.buffer, out.byteOffset);
  if (type === 'f32') view.setFloat32(0, Number(value), true);
  else if (type === 'f64') view.setFloat64(0, Number(value), true);
  else view.setBigInt64(0, BigInt(value), true);
  const width = { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4 }[type] ?? 8;
  return out.subarray(0, width);
}

function entry(type: string, value: unknown): Buffer {
  const scalar = (kind: string, item: unknown) =>
    kind === 'string' ? text(item as string) : number(kind, item as number);
  if (!type.endsWith('[]'))
    return Buffer.concat([number('u32', typeIds[type]!), scalar(type, value)]);
  const kind = type.slice(0, -2);
  const items = value as unknown[];
  const head = [number('u32', 9), number('u32', typeIds[kind]!), number('u64', items.length)];
  return Buffer.concat([...head, ...items.map((item) => scalar(kind, item))]);
}

function layout({ shape, type }: TestGgufTensor): { id: number; bytes: number } {
  for (const [id, { name, blockSize, blockBytes }] of ggmlTypes)
    if (name === type)
      return { id, bytes: (shape.reduce((a, b) => a * b, 1) / blockSize) * blockBytes };
  return { id: Number(type), bytes: 0 };
}

function pad(size: number): number {
  return Math.ceil(size / 32) * 32;
}

/** A complete decoder of one block; tests change one thing each. */
export function decoderGguf(): TestGguf {
  const sizes = { nLayer: 1, nEmbd: 8, nHead: 2, nHeadKv: 1, nFfn: 16, nVocab: 4 };
  return {
    entries: {
      'general.architecture': ['string', 'qwen2'],
      'qwen2.block_count': ['u32', sizes.nLayer],
      'qwen2.embedding_length': ['u32', sizes.nEmbd],
      'qwen2.feed_forward_length': ['u32', sizes.nFfn],
      'qwen2.attention.head_count': ['u32', sizes.nHead],
      'qwen2.attention.head_count_kv': ['u32', sizes.nHeadKv],
      'qwen2.attention.layer_norm_rms_epsilon': ['f32', 1e-6],
      'qwen2.rope.freq_base': ['f32', 1e6],
      'qwen2.context_length': ['u32', 64],
      'tokenizer.ggml.model': ['string', 'gpt2'],
      'tokenizer.ggml.pre': ['string', 'qwen2'],
      'tokenizer.ggml.tokens': ['string[]', ['a', 'b', '<|im_end|>', '[PAD3]']],
      'tokenizer.ggml.token_type': ['i32[]', [1, 1, 3, 5]],
      'tokenizer.ggml.merges': ['string[]', ['a b']],
      'tokenizer.ggml.eos_token_id': ['u32', 2],
    },
    tensors: decoderTensors(sizes)
      .filter(({ optional }) => !optional)
      .map(({ name, shape }) => ({ name, shape, type: 'f32' })),
  };
}
