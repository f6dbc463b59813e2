/** Checkpoints with one thing wrong each: what was done to a good one, and what the complaint must name. */
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

const set =
  (key: string, value: unknown): Edit =>
  ({ config }) =>
    (config[key] = value);

const inConfig: Case[] = [
  ['a config that is no JSON', ({ json }) => (json[CONFIG] = '{"a": '), /not valid JSON/],
  ['a config that is a list', ({ json }) => (json[CONFIG] = '[]'), /expected a JSON object/],
  [
    'another architecture',
    set('architectures', ['Qwen2ForCausalLM']),
    /architectures.*Qwen2ForCausalLM/,
  ],
  ['an architecture that is a text', set('architectures', 'LlavaQwenForCausalLM'), /architectures/],
  ['a hidden size of text', set('hidden_size', '32'), /"hidden_size".*"32"/],
  ['a hidden size of zero', set('hidden_size', 0), /"hidden_size"/],
  ['another hidden size', set('hidden_size', 64), /\[300,32\].*\[300,64\]/],
  ['too many layers', set('num_hidden_layers', 1e9), /512.*"num_hidden_layers"/],
  [
    'a layer that is not stored',
    set('num_hidden_layers', 2),
    /'blk.1.attn_norm.weight' is missing/,
  ],
  [
    'positions scaled as llama.cpp cannot',
    set('rope_parameters', { rope_type: 'dynamic', factor: 2 }),
    /"rope_parameters.rope_type".*"dynamic"/,
  ],
  [
    'positions scaled without a factor',
    set('rope_parameters', { rope_type: 'yarn' }),
    /"rope_parameters.factor".*missing/,
  ],
  [
    'positions scaled by other constants',
    set('rope_parameters', { rope_type: 'yarn', factor: 4, beta_fast: 8 }),
    /"rope_parameters.beta_fast".*8/,
  ],
  ['heads that do not divide', set('num_attention_heads', 5), /5 heads/],
  ['more key-value heads than heads', set('num_key_value_heads', 4), /4 key-value heads/],
  ['an epsilon of one', set('rms_norm_eps', 1), /"rms_norm_eps"/],
  ['an epsilon that is negative', set('rms_norm_eps', -1e-6), /"rms_norm_eps"/],
  ['a rope base of zero', set('rope_theta', 0), /"rope_theta"/],
  ['no rope base', set('rope_theta', undefined), /"rope_theta".*missing/],
  ['another activation', set('hidden_act', 'gelu'), /"hidden_act"/],
  ['a tied head that is a number', set('tie_word_embeddings', 1), /"tie_word_embeddings"/],
  [
    'an untied head that is missing',
    set('tie_word_embeddings', false),
    /'output.weight' is missing/,
  ],
  ['pinpoints that are no list', set('image_grid_pinpoints', 7), /"image_grid_pinpoints"/],
  ['no pinpoints at all', set('image_grid_pinpoints', []), /"image_grid_pinpoints"/],
  [
    'pinpoints without end',
    set('image_grid_pinpoints', '(1x1),...,(99999x99999)'),
    /"image_grid_pinpoints"/,
  ],
  ['pinpoints off the tile', set('image_grid_pinpoints', [[28, 30]]), /"image_grid_pinpoints"/],
  ['a tower of another size', set('mm_vision_tower', 'siglip-patch14-56'), /4² positions/],
  [
    'a tower of an absurd size',
    set('mm_vision_tower', 'x-patch14-99999999999999999999'),
    /"vision_config.image_size"/,
  ],
  [
    'a tower of another width',
    set('vision_config', { hidden_size: 1152 }),
    /72.*"vision_config.hidden_size"/,
  ],
  [
    'tower heads that do not divide',
    set('vision_config', { num_attention_heads: 7 }),
    /7 vision heads/,
  ],
  ['an end beyond the tokens', set('eos_token_id', 290), /290.*263/],
  ['an end that is a text', set('eos_token_id', '<|im_end|>'), /"eos_token_id"/],
  [
    'a shrinking mode without number',
    set('image_aspect_ratio', 'anyres_max_'),
    /"image_aspect_ratio"/,
  ],
];

const beyondConfig: Case[] = [
  [
    'a decoder block too many',
    put('model.layers.1.mlp.up_proj.weight', bf16Tensor([tiny.nFfn, tiny.nEmbd])),
    /'model.layers.1.mlp.up_proj.weight'.*"num_hidden_layers" is 1/,
  ],
];

const tokens =
  (name: string, value: string | Record<string, unknown>): Edit =>
  ({ json }) =>
    (json[name] = value);

const inOtherFiles: [file: string, ...Case][] = [
  [
    'vocab.json',
    'a vocabulary that is a list',
    tokens('vocab.json', '["a"]'),
    /expected a JSON object/,
  ],
  [
    'vocab.json',
    'an id that is a text',
    tokens('vocab.json', { a: '1' }),
    /vocabulary from tokens to ids/,
  ],
  ['vocab.json', 'an id beyond the rows', tokens('vocab.json', { a: 300 }), /"a" has id 300/],
  ['vocab.json', 'two tokens of one id', tokens('vocab.json', { a: 1, b: 1 }), /the same id 1/],
  ['vocab.json', 'an empty token', tokens('vocab.json', { a: 0, '': 1 }), /id 1 is empty/],
  [
    'vocab.json',
    'half a character',
    tokens('vocab.json', '{"a": 0, "\\ud800": 1}'),
    /id 1 is empty or no valid text/,
  ],
  [
    'vocab.json',
    'a token with NUL',
    tokens('vocab.json', '{"a\\u0000b": 0}'),
    /id 0 is empty or no valid text/,
  ],
  [
    '',
    'no added tokens in any file',
    ({ json }) => delete json['added_tokens.json'],
    /no <\|im_start\|>.*missing here: .*added_tokens.json/,
  ],
  ['merges.txt', 'a merge of three', tokens('merges.txt', 'a b c\n'), /"a b c"/],
  ['added_tokens.json', 'a negative id', tokens('added_tokens.json', { '<x>': -1 }), /malformed/],
  [
    'tokenizer.json',
    'another kind of tokenizer',
    tokens('tokenizer.json', { model: { type: 'Unigram' } }),
    /BPE.*Unigram/,
  ],
  [
    'tokenizer_config.json',
    'a token under two names',
    tokens('tokenizer_config.json', { added_tokens_decoder: { 261: { content: '<other>' } } }),
    /261.*another file/,
  ],
  [
    'generation_config.json',
    'an end that is an object',
    tokens('generation_config.json', { eos_token_id: {} }),
    /"eos_token_id"/,
  ],
  [
    'generation_config.json',
    'a negative temperature',
    tokens('generation_config.json', { do_sample: true, temperature: -1 }),
    /"temperature"/,
  ],
  [
    'generation_config.json',
    'a share above one',
    tokens('generation_config.json', { do_sample: true, top_p: 1.5 }),
    /"top_p"/,
  ],
  [
    'generation_config.json',
    'a penalty of zero',
    tokens('generation_config.json', { repetition_penalty: 0 }),
    /"repetition_penalty"/,
  ],
  [
    'preprocessor_config.json',
    'tiles that are not square',
    tokens('preprocessor_config.json', { size: { width: 28, height: 56 } }),
    /"size"/,
  ],
  [
    'preprocessor_config.json',
    'two means',
    tokens('preprocessor_config.json', { size: 28, image_mean: [0.5, 0.5] }),
    /"image_mean"/,
  ],
  [
    'preprocessor_config.json',
    'a mean beyond f32',
    tokens('preprocessor_config.json', { size: 28, image_mean: [0.5, 1e39, 0.5] }),
    /"image_mean"/,
  ],
  [
    'preprocessor_config.json',
    'a deviation that is zero in f32',
    tokens('preprocessor_config.json', { size: 28, image_std: [1, 1e-60, 1] }),
    /"image_std"/,
  ],
  [
    'preprocessor_config.json',
    'a deviation of zero',
    tokens('preprocessor_config.json', { size: 28, image_std: [1, 0, 1] }),
    /"image_std"/,
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
    ...inOtherFiles.flatMap(([file, ...row]) => rows(file, [row])),
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
