/** Checkpoint folders made from a good one by an edit, and edits of model.safetensors that make it wrong. */
import {
  type CheckpointFiles,
  lmmsFiles,
  lmmsTensors,
  safetensorsBytes,
  type TestTensor,
} from './safetensors.js';

type Header = Record<string, Record<string, unknown>>;
interface Draft {
  json: CheckpointFiles;
  config: Record<string, unknown>;
  tensors: Record<string, TestTensor>;
  /** Last changes to the header of model.safetensors, then to its bytes. */
  header: (header: Header) => void;
  bytes: (bytes: Buffer) => Buffer;
}
export type Edit = (draft: Draft) => unknown;

export const WEIGHTS = 'model.safetensors';
export const CONFIG = 'config.json';
const NORM = 'model.norm.weight';

/** Contents by file name. */
export function makeCheckpoint(edit: Edit): Record<string, string | Buffer> {
  const json = lmmsFiles();
  const draft: Draft = {
    json,
    config: json[CONFIG] as Record<string, unknown>,
    tensors: lmmsTensors(),
    header: () => {},
    bytes: (bytes) => bytes,
  };
  edit(draft);
  const texts = Object.entries(json).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const weights = draft.bytes(safetensorsBytes(draft.tensors, draft.header));
  return { ...Object.fromEntries(texts), [WEIGHTS]: weights };
}

/** What was done, and what the message must say. */
export type Case = [what: string, edit: Edit, message: RegExp];

const header =
  (change: (header: Header) => void): Edit =>
  (draft) => {
    draft.header = change;
  };
const bytes =
  (change: (bytes: Buffer) => Buffer): Edit =>
  (draft) => {
    draft.bytes = change;
  };
const entry = (change: Record<string, unknown>): Edit =>
  header((fields) => Object.assign(fields[NORM]!, change));
const headerLength = (length: bigint): Edit =>
  bytes((file) => {
    file.writeBigUInt64LE(length);
    return file;
  });
/** Replaces the JSON of the header by text of the same length. */
const headerText = (make: (text: string) => string): Edit =>
  bytes((file) => {
    const end = 8 + Number(file.readBigUInt64LE());
    const text = make(file.toString('utf8', 8, end));
    file.write(text.padEnd(end - 8).slice(0, end - 8), 8);
    return file;
  });

export const inWeights: Case[] = [
  ['no bytes', bytes(() => Buffer.alloc(0)), /not a safetensors file/],
  ['seven bytes', bytes((file) => file.subarray(0, 7)), /not a safetensors file/],
  [
    'a GGUF file',
    bytes((file) => Buffer.concat([Buffer.from('GGUF'), file])),
    /not a safetensors file/,
  ],
  ['a header of no bytes', headerLength(0n), /header of 0/],
  ['a header beyond the file', headerLength(1n << 40n), /header of/],
  ['a header of 2^64 - 1', headerLength((1n << 64n) - 1n), /header of/],
  ['a header cut by its length', headerLength(100n), /not JSON/],
  [
    'a file cut in its header',
    bytes((file) => file.subarray(0, 500)),
    /truncated inside its header/,
  ],
  ['a file cut in its data', bytes((file) => file.subarray(0, -100)), /truncated/],
  ['a file cut by one byte', bytes((file) => file.subarray(0, -1)), /truncated/],
  [
    'bytes at the end',
    bytes((file) => Buffer.concat([file, Buffer.alloc(3)])),
    /3 bytes at its end/,
  ],
  ['a header that is a list', headerText(() => '[1]'), /not an object/],
  ['a header that is a number', headerText(() => '12'), /not an object/],
  ['a header that nests without end', headerText((text) => '['.repeat(text.length)), /not JSON/],
  [
    'a header that nests deep',
    headerText((text) => `{"a": ${'['.repeat(400)}${']'.repeat(400)}}`.padEnd(text.length)),
    /nests 401 deep/,
  ],
  [
    'a header that is not UTF-8 JSON',
    headerText((text) => text.replace(/"/g, '\u0000')),
    /not JSON/,
  ],
  [
    'a tensor that is a number',
    header((fields) => (fields[NORM] = 1 as never)),
    /norm.*no description/,
  ],
  ['an unknown dtype', entry({ dtype: 'F12' }), /norm.*"F12"/],
  ['a dtype that is a number', entry({ dtype: 16 }), /norm.*dtype 16/],
  ['a shape that is a number', entry({ shape: 32 }), /norm.*shape 32/],
  ['a negative shape', entry({ shape: [-32] }), /norm.*shape \[-32\]/],
  ['a fractional shape', entry({ shape: [1.5] }), /norm.*shape \[1.5\]/],
  ['a shape beyond numbers', entry({ shape: [1e300] }), /norm.*shape/],
  ['a shape that overflows', entry({ shape: [2 ** 50, 2 ** 50] }), /norm.*needs/],
  ['a shape larger than its data', entry({ shape: [33] }), /norm.*66 bytes/],
  ['a dtype larger than its data', entry({ dtype: 'F32' }), /norm.*128 bytes/],
  ['no offsets', entry({ data_offsets: undefined }), /norm.*data_offsets/],
  ['one offset', entry({ data_offsets: [0] }), /norm.*data_offsets/],
  ['offsets in reverse', entry({ data_offsets: [64, 0] }), /norm.*data_offsets/],
  ['a negative offset', entry({ data_offsets: [-64, 0] }), /norm.*data_offsets/],
  [
    'offsets beyond the file',
    entry({ data_offsets: [2 ** 40, 2 ** 40 + 64] }),
    /belong to no tensor/,
  ],
  [
    'one tensor twice',
    // The text of another entry's name becomes this one's; both are as long.
    headerText((text) =>
      text.replace(
        '"model.layers.0.self_attn.k_proj.bias"',
        '"model.layers.0.self_attn.q_proj.bias"',
      ),
    ),
    /'model.layers.0.self_attn.q_proj.bias' twice/,
  ],
  [
    'one tensor twice, its name escaped',
    headerText((text) =>
      text
        .replace('"model.norm.weight"', '"model.\\u006eorm.weight"')
        .replace('{"format":"pt"}', '{}')
        .replace('"model.image_newline"', '"model.norm.weight"'),
    ),
    /'model.norm.weight' twice/,
  ],
  ['two tensors in one place', header((fields) => (fields.copy = { ...fields[NORM] })), /overlaps/],
  ['a gap', header((fields) => delete fields[NORM]), /belong to no tensor/],
  [
    'a tensor moved into another',
    header((fields) => {
      const [start, end] = fields[NORM]!.data_offsets as [number, number];
      fields[NORM]!.data_offsets = [start - 8, end - 8];
    }),
    /overlaps/,
  ],
];
