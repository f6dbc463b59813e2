/** GGUF files with one thing wrong each: decoders and mmproj files that must not reach ggml. */
import { decoderGguf, ggufBytes, type TestEntry, type TestGguf } from './gguf.js';
import { mmprojGguf } from './mmproj.js';

export interface MalformedGguf {
  what: string;
  kind: 'decoder' | 'mmproj';
  bytes: Buffer;
  message: RegExp;
}

type Case = [what: string, edit: (file: TestGguf) => unknown, message: RegExp];
type ByteCase = [what: string, edit: (bytes: Buffer) => Buffer, message: RegExp];

const set =
  (key: string, ...entry: TestEntry) =>
  (file: TestGguf) => {
    file.entries[key] = entry;
  };
const unset = (key: string) => (file: TestGguf) => delete file.entries[key];
const find = (file: TestGguf, name: string) => file.tensors.find((tensor) => tensor.name === name)!;
const drop = (name: string) => (file: TestGguf) =>
  file.tensors.splice(file.tensors.indexOf(find(file, name)), 1);
const add = (name: string, shape: number[]) => (file: TestGguf) =>
  file.tensors.push({ name, shape, type: 'f32' });
const change = (name: string, fields: object) => (file: TestGguf) =>
  Object.assign(find(file, name), fields);

const writeAt = (position: number, value: bigint) => (bytes: Buffer) => {
  bytes.writeBigUInt64LE(value, position);
  return bytes;
};

const writeVersion =
  (order: 'writeUInt32BE' | 'writeUInt32LE', version: number) => (bytes: Buffer) => {
    bytes[order](version, 4);
    return bytes;
  };

const inBytes: ByteCase[] = [
  ['no bytes', () => Buffer.alloc(0), /it is empty/],
  ['three bytes', (bytes) => bytes.subarray(0, 3), /not a GGUF file/],
  ['a big-endian file', writeVersion('writeUInt32BE', 3), /big-endian/],
  ['version 1', writeVersion('writeUInt32LE', 1), /version 1/],
  ['too many tensors', writeAt(8, 1n << 62n), /announces \d+ tensors/],
  ['too many keys', writeAt(16, (1n << 64n) - 1n), /announces \d+ keys/],
  ['a key of 2^63 bytes', writeAt(24, 1n << 63n), /impossible length/],
  ['a file cut in a key', (bytes) => bytes.subarray(0, 40), /truncated|impossible|announces/],
  ['a file cut in its tensors', (bytes) => bytes.subarray(0, -33), /truncated/],
];

const inDecoder: Case[] = [
  ['no architecture', unset('general.architecture'), /'general.architecture' is missing/],
  ['an mmproj', set('general.architecture', 'string', 'clip'), /mmproj/],
  ['another model', set('general.architecture', 'string', 'llama'), /'llama'/],
  ['layers of text', set('qwen2.block_count', 'string', '1'), /'qwen2.block_count' must be/],
  ['too many layers', set('qwen2.block_count', 'u32', 4e9), /'qwen2.block_count' must be/],
  ['heads that do not divide', set('qwen2.attention.head_count', 'u32', 3), /3 heads/],
  [
    'an infinite rope base',
    set('qwen2.rope.freq_base', 'f32', Number.POSITIVE_INFINITY),
    /'qwen2.rope.freq_base'/,
  ],
  ['an unknown rope scaling', set('qwen2.rope.scaling.type', 'string', 'odd'), /'odd' is unknown/],
  ['experts', set('qwen2.expert_count', 'u32', 8), /'qwen2.expert_count'/],
  ['no tokens', set('tokenizer.ggml.tokens', 'string[]', []), /'tokenizer.ggml.tokens'/],
  [
    'a token twice',
    set('tokenizer.ggml.tokens', 'string[]', ['a', 'b', 'a', 'c']),
    /'a', the token of 0/,
  ],
  ['tokens of numbers', set('tokenizer.ggml.tokens', 'i32[]', [1, 2, 3, 4]), /array of strings/],
  ['too few types', set('tokenizer.ggml.token_type', 'i32[]', [1, 1]), /2 entries for 4 tokens/],
  [
    'an end beyond the tokens',
    set('tokenizer.ggml.eos_token_id', 'u32', 4),
    /'tokenizer.ggml.eos_token_id'/,
  ],
  [
    'a list of ends beyond the tokens',
    set('llavaov.eos_token_ids', 'i32[]', [9]),
    /'llavaov.eos_token_ids'/,
  ],
  ['another tokenizer', set('tokenizer.ggml.model', 'string', 'llama'), /'llama'/],
  ['a missing tensor', drop('blk.0.ffn_up.weight'), /'blk.0.ffn_up.weight' is missing/],
  [
    'a tensor of another shape',
    change('output_norm.weight', { shape: [9] }),
    /'output_norm.weight' has shape \[9\]/,
  ],
  [
    'a tensor of integers',
    change('blk.0.ffn_up.weight', { type: 'i32' }),
    /'blk.0.ffn_up.weight' cannot be/,
  ],
  ['an unknown tensor type', change('blk.0.ffn_up.weight', { type: '77' }), /unknown type \(77\)/],
  [
    'a tensor twice',
    change('blk.0.ffn_up.weight', { name: 'output_norm.weight' }),
    /two tensors 'output_norm.weight'/,
  ],
  [
    'a tensor in another',
    change('blk.0.attn_q.bias', { offset: 0 }),
    /'blk.0.attn_q.bias' has offset 0/,
  ],
  [
    'a tensor off its place',
    change('blk.0.attn_q.bias', { offset: 2 ** 40 }),
    /offset 1099511627776/,
  ],
  ['five dimensions', change('output_norm.weight', { shape: [8, 1, 1, 1, 1] }), /5 dimensions/],
  ['a dimension of zero', change('output_norm.weight', { shape: [0] }), /impossible shape/],
  ['half a block', change('blk.0.ffn_up.weight', { type: 'q8_0' }), /not a multiple of the 32/],
  ['an alignment of 16', set('general.alignment', 'u32', 16), /'general.alignment'.*at least 32/],
  ['a NUL in a key', set('qwen2.block_count\0x', 'u32', 7), /key \d+ contains a NUL/],
  ['a NUL in a value', set('general.name', 'string', 'a\0b'), /'general.name' contains a NUL/],
  ['a NUL in a token', set('x', 'string[]', ['a', 'a\0']), /'x'\[1\] contains a NUL/],
  ['a NUL in a tensor', add('output.weight\0q', [8, 4]), /tensor \d+ contains a NUL/],
  ['a bias of the head', add('output.bias', [4]), /'output.bias' is none/],
  ['a scale', add('blk.0.attn_q.scale', [1]), /'blk.0.attn_q.scale' is none/],
  ['a block too many', add('blk.1.attn_norm.weight', [8]), /'blk.1.attn_norm.weight' is none/],
  ['an odd alignment', set('general.alignment', 'u32', 24), /'general.alignment'/],
  ['one part of three', set('split.count', 'u16', 3), /split.no|one of 3 files/],
];

const inMmproj: Case[] = [
  ['a decoder', set('general.architecture', 'string', 'qwen2'), /decoder/],
  ['no tower', set('clip.has_vision_encoder', 'bool', false), /no vision tower/],
  ['another projector', set('clip.projector_type', 'string', 'ldp'), /'ldp'/],
  ['another merge type', set('clip.vision.mm_patch_merge_type', 'string', 'flat'), /'flat'/],
  ['a tile of zero', set('clip.vision.image_size', 'u32', 0), /'clip.vision.image_size'/],
  [
    'patches larger than the tile',
    set('clip.vision.patch_size', 'u32', 15),
    /'clip.vision.patch_size'/,
  ],
  ['heads that do not divide', set('clip.vision.attention.head_count', 'u32', 3), /3 heads/],
  [
    'a layer beyond the blocks',
    set('clip.vision.feature_layer', 'i32[]', [3]),
    /'clip.vision.feature_layer'/,
  ],
  ['two means', set('clip.vision.image_mean', 'f32[]', [1, 2]), /'clip.vision.image_mean'/],
  [
    'a deviation of zero',
    set('clip.vision.image_std', 'f32[]', [0, 1, 1]),
    /'clip.vision.image_std'/,
  ],
  [
    'pinpoints off the tile',
    set('clip.vision.image_grid_pinpoints', 'i32[]', [14, 15]),
    /pinpoints/,
  ],
  ['half a pinpoint', set('clip.vision.image_grid_pinpoints', 'i32[]', [14]), /pinpoints/],
  ['keys of a later version', set('llavaov.version', 'u32', 2), /'llavaov.version'/],
  ['an unknown dialect', set('llavaov.dialect', 'string', 'x'), /'llavaov.dialect'/],
  ['an epsilon of one', set('clip.vision.attention.layer_norm_epsilon', 'f32', 1), /epsilon of 1/],
  ['a missing block', drop('v.blk.1.ffn_down.weight'), /'v.blk.1.ffn_down.weight' is missing/],
  ['no newline', drop('v.image_newline'), /'v.image_newline' is missing/],
  ['a misshapen projector', change('mm.2.weight', { shape: [6, 5] }), /'mm.2.weight' has shape/],
];

export function malformedGgufs(): MalformedGguf[] {
  const edited =
    (kind: 'decoder' | 'mmproj', make: () => TestGguf) =>
    ([what, edit, message]: Case) => {
      const file = make();
      edit(file);
      return { what, kind, bytes: ggufBytes(file), message };
    };
  return [
    ...inBytes.map(([what, edit, message]) => ({
      what,
      kind: 'decoder' as const,
      bytes: edit(ggufBytes(decoderGguf())),
      message,
    })),
    ...inDecoder.map(edited('decoder', decoderGguf)),
    ...inMmproj.map(edited('mmproj', mmprojGguf)),
  ];
}
