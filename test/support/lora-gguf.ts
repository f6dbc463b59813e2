/** Adapters in GGUF for the tiny decoder, and such with one thing wrong each. */
import { ggufBytes, type TestEntry, type TestGguf, type TestGgufTensor } from './gguf.js';
import { randomUniform } from './random.js';
import { TINY } from './tiny-decoder.js';

const RANK = 4;

function matrix(name: string, shape: number[], seed: number): TestGgufTensor {
  const random = randomUniform(seed);
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: n }, () => random() - 0.5);
  return { name, shape, type: 'f32', data: new Uint8Array(values.buffer) };
}

/** For an untied decoder: a matrix of attention, one of the FFN, embedding and head. */
export function loraGguf(): TestGguf {
  const { nEmbd, nFfn, nVocab } = TINY;
  const pairs: [name: string, a: number[], b: number[]][] = [
    ['token_embd.weight', [RANK, nVocab], [RANK, nEmbd]],
    ['blk.0.attn_q.weight', [nEmbd, RANK], [RANK, nEmbd]],
    ['blk.1.ffn_down.weight', [nFfn, RANK], [RANK, nEmbd]],
    ['output.weight', [nEmbd, RANK], [RANK, nVocab]],
  ];
  return {
    entries: {
      'general.architecture': ['string', 'qwen2'],
      'general.type': ['string', 'adapter'],
      'adapter.type': ['string', 'lora'],
      'adapter.lora.alpha': ['f32', 8],
    },
    tensors: pairs.flatMap(([name, a, b], i) => [
      matrix(`${name}.lora_a`, a, 2 * i),
      matrix(`${name}.lora_b`, b, 2 * i + 1),
    ]),
  };
}

type Case = [what: string, edit: (file: TestGguf) => unknown, message: RegExp];

const set =
  (key: string, ...entry: TestEntry) =>
  (file: TestGguf) => {
    file.entries[key] = entry;
  };
const unset = (key: string) => (file: TestGguf) => delete file.entries[key];
const change = (name: string, fields: Partial<TestGgufTensor>) => (file: TestGguf) =>
  Object.assign(file.tensors.find((tensor) => tensor.name === name)!, { data: [] }, fields);
const drop = (name: string) => (file: TestGguf) => {
  file.tensors = file.tensors.filter((tensor) => tensor.name !== name);
};
const add = (tensor: TestGgufTensor) => (file: TestGguf) => file.tensors.push(tensor);

const Q = 'blk.0.attn_q.weight';

/** Refused for what they are. */
const malformed: Case[] = [
  ['a model', set('general.type', 'string', 'model'), /no adapter/],
  ['no type', unset('general.type'), /no adapter/],
  ['a type that is a number', set('general.type', 'u32', 1), /'general.type' must be a string/],
  ['no architecture', unset('general.architecture'), /'general.architecture' is missing/],
  ['another architecture', set('general.architecture', 'string', 'llama'), /'llama'/],
  ['no kind', unset('adapter.type'), /'adapter.type' is missing/],
  ['another kind', set('adapter.type', 'string', 'ia3'), /'ia3'/],
  ['a kind that is a number', set('adapter.type', 'f32', 1), /'adapter.type' must be a string/],
  ['an alpha of text', set('adapter.lora.alpha', 'string', '8'), /'adapter.lora.alpha' must be/],
  ['an alpha of integers', set('adapter.lora.alpha', 'u32', 8), /must be an f32/],
  ['an infinite alpha', set('adapter.lora.alpha', 'f32', Number.POSITIVE_INFINITY), /alpha/],
  ['an aLoRA', set('adapter.alora.invocation_tokens', 'u32[]', [1, 2]), /aLoRA/],
  ['an aLoRA of text', set('adapter.alora.invocation_tokens', 'string', 'x'), /aLoRA/],
  ['no tensors', (file) => file.tensors.splice(0), /no tensors/],
  ['no a', drop(`${Q}.lora_a`), /'blk.0.attn_q.weight.lora_a' is missing/],
  ['no b', drop(`${Q}.lora_b`), /'blk.0.attn_q.weight.lora_b' is missing/],
  [
    'a norm, which llama.cpp leaves out',
    add({ name: 'blk.0.attn_norm.weight', shape: [TINY.nEmbd], type: 'f32' }),
    /'blk.0.attn_norm.weight' is no/,
  ],
  ['a bias', add({ name: 'blk.0.attn_q.bias', shape: [4], type: 'f32' }), /'blk.0.attn_q.bias'/],
  ['a as integers', change(`${Q}.lora_a`, { type: 'i32' }), /cannot be of type i32/],
  ['three dimensions', change(`${Q}.lora_a`, { shape: [TINY.nEmbd, 2, 2] }), /is no matrix/],
  ['ranks that differ', change(`${Q}.lora_b`, { shape: [RANK + 1, TINY.nEmbd] }), /ranks 4 and 5/],
  [
    'ranks of the embedding that differ',
    change('token_embd.weight.lora_b', { shape: [RANK - 1, TINY.nEmbd] }),
    /ranks 4 and 3/,
  ],
  [
    'a that is not transposed',
    change(`${Q}.lora_a`, { shape: [RANK, TINY.nEmbd] }),
    /ranks 64 and 4/,
  ],
  ['half a name', change(`${Q}.lora_a`, { name: `${Q}.lora_a.lora_a` }), /is missing/],
];

/** Refused for the tiny untied decoder. */
const foreign: Case[] = [
  [
    'a wider matrix',
    change(`${Q}.lora_a`, { shape: [TINY.nEmbd + 1, RANK] }),
    /for a matrix 'blk.0.attn_q.weight' of \[65,64\] where the decoder's has \[64,64\]/,
  ],
  ['a longer matrix', change(`${Q}.lora_b`, { shape: [RANK, TINY.nEmbd * 2] }), /\[64,128\]/],
  [
    'a longer vocabulary',
    change('token_embd.weight.lora_a', { shape: [RANK, TINY.nVocab + 1] }),
    /'token_embd.weight' of \[64,289\]/,
  ],
  [
    'one more block',
    (file) => {
      change(`${Q}.lora_a`, { name: 'blk.2.attn_q.weight.lora_a' })(file);
      change(`${Q}.lora_b`, { name: 'blk.2.attn_q.weight.lora_b' })(file);
    },
    /no matrix 'blk.2.attn_q.weight'/,
  ],
  [
    'a norm as a pair',
    (file) => {
      change(`${Q}.lora_a`, { name: 'output_norm.weight.lora_a', shape: [TINY.nEmbd, 1] })(file);
      change(`${Q}.lora_b`, { name: 'output_norm.weight.lora_b', shape: [1, 1] })(file);
    },
    /no matrix 'output_norm.weight'/,
  ],
];

export interface MalformedLora {
  what: string;
  bytes: Buffer;
  message: RegExp;
}

const made = ([what, edit, message]: Case): MalformedLora => {
  const file = loraGguf();
  edit(file);
  return { what, bytes: ggufBytes(file), message };
};

export const malformedLoras = malformed.map(made);
export const foreignLoras = foreign.map(made);
