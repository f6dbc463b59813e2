/** Checkpoints with one thing wrong each: what was done to a good one, and what the complaint must name. */
import { inConfig } from './malformed-config.js';
import { inDocuments } from './malformed-documents.js';
import {
  type Case,
  CONFIG,
  type Edit,
  inWeights,
  makeCheckpoint,
  WEIGHTS,
} from './malformed-weights.js';
import { bf16Tensor, lmmsTensors, safetensorsBytes, type TestTensor, tiny } from './safetensors.js';

export interface MalformedCheckpoint {
  what: string;
  /** Contents by file name. */
  files: Record<string, string | Buffer>;
  /** The file at fault, and what is to be found in the message. */
  culprit: string;
  message: RegExp;
}

const NORM = 'model.norm.weight';

const tower = 'model.vision_tower.vision_tower.vision_model';

const drop =
  (name: string): Edit =>
  ({ tensors }) =>
    delete tensors[name];

const put =
  (name: string, tensor: TestTensor): Edit =>
  ({ tensors }) =>
    (tensors[name] = tensor);

const inTensors: Case[] = [
  ['no embeddings', drop('model.embed_tokens.weight'), /no token embeddings/],
  ['a missing norm', drop(NORM), /'output_norm.weight' is missing/],
  [
    'a missing bias',
    drop('model.layers.0.self_attn.k_proj.bias'),
    /'blk.0.attn_k.bias' is missing/,
  ],
  ['a missing projector', drop('model.mm_projector.2.weight'), /'mm.2.weight' is missing/],
  ['no newline', drop('model.image_newline'), /'v.image_newline' is missing/],
  [
    'no patches',
    drop(`${tower}.embeddings.patch_embedding.weight`),
    /'v.patch_embd.weight' is missing/,
  ],
  [
    'a missing tower norm',
    drop(`${tower}.encoder.layers.0.layer_norm2.bias`),
    /'v.blk.0.ln2.bias' is missing/,
  ],
  [
    'a missing block of the tower',
    ({ tensors, config }) => {
      for (const name of Object.keys(tensors))
        if (name.includes('encoder.layers.1.')) delete tensors[name];
      config.vision_config = { num_hidden_layers: 2 };
    },
    /'v.blk.1.ln1.weight' is missing.*2 blocks/,
  ],
  [
    'a gap between the blocks of the tower',
    put(`${tower}.encoder.layers.3.mlp.fc2.bias`, bf16Tensor([72])),
    /'v.blk.2.ln1.weight' is missing.*4 blocks/,
  ],
  [
    'a tower block without its first norm',
    drop(`${tower}.encoder.layers.1.layer_norm1.weight`),
    /'v.blk.1.ln1.weight' is missing/,
  ],
  [
    'a transposed matrix',
    put('model.layers.0.mlp.down_proj.weight', bf16Tensor([tiny.nFfn, tiny.nEmbd])),
    /down_proj.*\[64,32\].*\[32,64\]/,
  ],
  [
    'a matrix as a vector',
    put('model.mm_projector.0.weight', bf16Tensor([tiny.nEmbd * tiny.nVision])),
    /mm_projector.0.weight.*\[2304\]/,
  ],
  [
    'patches of two dimensions',
    put(`${tower}.embeddings.patch_embedding.weight`, bf16Tensor([72, 588])),
    /patch_embedding.*4 dimensions/,
  ],
  [
    'embeddings of no columns',
    put('model.embed_tokens.weight', bf16Tensor([300, 0])),
    /embed_tokens.*\[300,0\]/,
  ],
  [
    'integers for weights',
    put(NORM, { dtype: 'I16', shape: [32], data: new Uint8Array(64) }),
    /norm.*I16/,
  ],
  [
    '8-bit floats',
    put(NORM, { dtype: 'F8_E4M3', shape: [32], data: new Uint8Array(32) }),
    /norm.*F8_E4M3/,
  ],
  ['one part twice', put('base.model.norm.weight', bf16Tensor([32])), /are the same part/],
];

const beyondConfig: Case[] = [
  [
    'a decoder block too many',
    put('model.layers.1.mlp.up_proj.weight', bf16Tensor([tiny.nFfn, tiny.nEmbd])),
    /'model.layers.1.mlp.up_proj.weight'.*"num_hidden_layers" is 1/,
  ],
];

/** Names of `culprit` are those of the files; where a fault is nobody's alone it is the folder, ''. */
export function malformedCheckpoints(): MalformedCheckpoint[] {
  const rows = (culprit: string, cases: Case[]) =>
    cases.map(([what, edit, message]) => ({ what, files: makeCheckpoint(edit), culprit, message }));
  return [
    ...rows(WEIGHTS, inWeights),
    ...rows('', inTensors),
    ...rows('', inConfig),
    ...rows(WEIGHTS, beyondConfig),
    ...rows(CONFIG, [
      [
        'a config that nests deep',
        ({ json }) =>
          (json[CONFIG] = `{"hidden_size": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
        /nest 50001 deep/,
      ],
    ]),
    ...inDocuments.flatMap(([file, ...row]) => rows(file, [row])),
    ...shardCases(),
  ];
}

function shardCases(): MalformedCheckpoint[] {
  const index = 'model.safetensors.index.json';
  const { [WEIGHTS]: weights, ...texts } = makeCheckpoint(() => {});
  const names = Object.keys(lmmsTensors());
  const map = (shard: unknown) => Object.fromEntries(names.map((name) => [name, shard]));
  const shard = 'model-00001-of-00001.safetensors';
  const files = (weight_map: unknown, more: Record<string, Buffer> = {}) => ({
    ...texts,
    [index]: JSON.stringify({ weight_map }),
    ...more,
  });
  const extra = safetensorsBytes({ 'model.norm.weight': bf16Tensor([32]) });
  return [
    { what: 'a missing shard', files: files(map(shard)), culprit: shard, message: /no such file/ },
    {
      what: 'a truncated shard',
      files: files(map(shard), { [shard]: (weights as Buffer).subarray(0, -64) }),
      culprit: shard,
      message: /truncated/,
    },
    {
      what: 'an index that promises more',
      files: files({ ...map(shard), more: shard }, { [shard]: weights as Buffer }),
      culprit: index,
      message: /'more' is not in/,
    },
    {
      what: 'a tensor in two shards',
      files: files(
        { ...map(shard), more: 'other.safetensors' },
        { [shard]: weights as Buffer, 'other.safetensors': extra },
      ),
      culprit: 'other.safetensors',
      message: /'model.norm.weight' is also in/,
    },
    {
      what: 'a shard elsewhere',
      files: files(map(`../${shard}`)),
      culprit: index,
      message: /weight_map/,
    },
    {
      what: 'an index without a map',
      files: files(undefined),
      culprit: index,
      message: /weight_map/,
    },
    { what: 'a map that is a list', files: files([shard]), culprit: index, message: /weight_map/ },
  ];
}
