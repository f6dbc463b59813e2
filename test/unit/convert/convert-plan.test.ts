/** What a checkpoint is refused for, and what the two files are planned to hold; nothing is written here. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../../src/convert/checkpoint.js';
import type { GgufPlan } from '../../../src/convert/gguf-plan.js';
import type { MmprojOuttype } from '../../../src/convert/outtypes.js';
import { parseSize } from '../../../src/convert/split-plan.js';
import { entries, planCheckpoint } from '../../support/plan.js';
import {
  bf16Tensor,
  type CheckpointFiles,
  lmmsFiles,
  lmmsTensors,
  type TestTensor,
  tiny,
} from '../../support/safetensors.js';

let dir: string;
let files: CheckpointFiles;
let config: Record<string, unknown>;
let tensors: Record<string, TestTensor>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'convert-plan-'));
  files = lmmsFiles();
  config = files['config.json'] as Record<string, unknown>;
  tensors = lmmsTensors();
});
afterEach(() => rmSync(dir, { recursive: true }));

const plan = (outtype: MmprojOuttype = 'f16', hasPoolingHead = false) =>
  planCheckpoint(dir, { files, tensors, outtype, hasPoolingHead });

const types = (gguf: GgufPlan) =>
  Object.fromEntries(gguf.tensors.map(({ name, type }) => [name, type]));
const tower = 'model.vision_tower.vision_tower.vision_model';

describe('the decoder', () => {
  test('has a vocabulary as long as its embedding matrix and no head of its own when tied', async () => {
    const { model } = await plan();
    expect(entries(model)).toMatchObject({
      'general.architecture': 'qwen2',
      'general.file_type': 1,
      'qwen2.vocab_size': tiny.nVocab,
      'qwen2.rope.dimension_count': tiny.nEmbd / 2,
      'tokenizer.ggml.eos_token_id': 262,
      'tokenizer.ggml.eot_token_id': 262,
      'tokenizer.ggml.padding_token_id': 260,
      'tokenizer.ggml.bos_token_id': 260,
      'llavaov.vocab_used': 263,
      'llavaov.eos_token_ids': Int32Array.of(262),
      'llavaov.do_sample': false,
      'general.sampling.temp': 0,
    });
    expect(entries(model)['tokenizer.ggml.tokens']).toHaveLength(tiny.nVocab);
    expect(types(model)).not.toHaveProperty(['output.weight']);
    expect(types(model)).toMatchObject({
      'token_embd.weight': 'f16',
      'blk.0.attn_norm.weight': 'f32',
      'blk.0.attn_q.bias': 'f32',
      'blk.0.ffn_down.weight': 'f16',
    });
  });

  test('ignores a stored head when the config ties it, and demands one otherwise', async () => {
    tensors['lm_head.weight'] = bf16Tensor([tiny.nVocab, tiny.nEmbd]);
    expect(types((await plan()).model)).not.toHaveProperty(['output.weight']);
    config.tie_word_embeddings = false;
    expect(types((await plan()).model)).toHaveProperty(['output.weight']);
    delete tensors['lm_head.weight'];
    const error = await plan().catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'ERR_CHECKPOINT',
      path: join(dir, 'config.json'),
      tensor: 'output.weight',
    });
    expect(error.message).toMatch(/"tie_word_embeddings" is false.*lm_head\.weight/);
  });

  test('a config that does not say: a missing head is tied, and noted', async () => {
    delete config.tie_word_embeddings;
    const tied = await plan();
    expect(types(tied.model)).not.toHaveProperty(['output.weight']);
    expect(tied.notes).toEqual([expect.stringMatching(/no "tie_word_embeddings".*embedding/)]);
    tensors['lm_head.weight'] = bf16Tensor([tiny.nVocab, tiny.nEmbd]);
    const untied = await plan();
    expect(types(untied.model)).toHaveProperty(['output.weight']);
    expect(untied.notes).toEqual([]);
  });

  test('takes its sampling defaults from generation_config.json, for the whole answer', async () => {
    files['generation_config.json'] = {
      do_sample: true,
      eos_token_id: [262, 260],
      pad_token_id: 261,
      repetition_penalty: 1.1,
      temperature: 0.7,
      top_k: 20,
      top_p: 0.8,
    };
    expect(entries((await plan()).model)).toMatchObject({
      'llavaov.do_sample': true,
      'llavaov.eos_token_ids': Int32Array.of(262, 260),
      'tokenizer.ggml.padding_token_id': 261,
      'general.sampling.temp': 0.7,
      'general.sampling.top_k': 20,
      'general.sampling.top_p': 0.8,
      'general.sampling.penalty_repeat': 1.1,
      'general.sampling.penalty_last_n': -1,
    });
  });

  test('top_k 0 is all tokens', async () => {
    files['generation_config.json'] = { do_sample: true, eos_token_id: 262, top_k: 0 };
    expect(entries((await plan()).model)).toMatchObject({ 'general.sampling.top_k': 0 });
    files['generation_config.json'] = { do_sample: true, eos_token_id: 262, top_k: -1 };
    await expect(plan()).rejects.toThrow(/top_k/);
  });

  test('reads licence and base models off the model card', async () => {
    const card = (lines: string) => `---\nlicense: apache-2.0\n${lines}tags: []\n---\n# Model\n`;
    for (const lines of [
      'base_model: Qwen/Qwen2-7B\n',
      'base_model: [Qwen/Qwen2-7B]\n',
      'base_model:\n- "Qwen/Qwen2-7B"\n',
      'base_model:\r\n  - Qwen/Qwen2-7B\r\n',
    ]) {
      files['README.md'] = card(lines);
      expect(entries((await plan()).model), lines).toMatchObject({
        'general.license': 'apache-2.0',
        'general.base_model.count': 1,
        'general.base_model.0.name': 'Qwen2 7B',
        'general.base_model.0.organization': 'Qwen',
        'general.base_model.0.repo_url': 'https://huggingface.co/Qwen/Qwen2-7B',
      });
    }
    files['README.md'] = card('base_model:\n- a/b\n- c/d\n');
    expect(entries((await plan()).mmproj)).toMatchObject({ 'general.base_model.count': 2 });
    files['README.md'] = card('base_model: no id\n');
    expect(entries((await plan()).model)).not.toHaveProperty(['general.base_model.count']);
  });

  test('reads the rope base where transformers 5 puts it', async () => {
    delete config.rope_theta;
    config.rope_parameters = { rope_theta: 5000, rope_type: 'default' };
    expect(entries((await plan()).model)['qwen2.rope.freq_base']).toBe(5000);
  });

  test('"rope_scaling" is ignored as the reference ignores it, with a note', async () => {
    config.rope_scaling = { type: 'linear', factor: 2 };
    const { model, notes } = await plan();
    expect(entries(model)).not.toHaveProperty(['qwen2.rope.scaling.type']);
    expect(notes).toEqual([expect.stringContaining('"rope_scaling" is ignored')]);
  });

  test('takes ChatML’s tokens from whichever file lists them, and says which could', async () => {
    const { 'added_tokens.json': added, ...others } = files;
    files = others;
    const error = await plan().catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT', path: dir });
    expect(error.message).toMatch(
      /no <\|im_start\|> and <\|im_end\|>.*missing here: tokenizer.json, tokenizer_config.json, added_tokens.json/,
    );
    files['tokenizer_config.json'] = {
      added_tokens_decoder: Object.fromEntries(
        Object.entries(added as object).map(([content, id]) => [id, { content, special: true }]),
      ),
    };
    const fromDecoder = entries((await plan()).model);
    expect(fromDecoder['tokenizer.ggml.eot_token_id']).toBe(262);
    files = lmmsFiles();
    rmSync(join(dir, 'tokenizer_config.json'));
    expect(fromDecoder).toEqual(entries((await plan()).model));
  });
});

describe('the mmproj', () => {
  test('follows clip.cpp and adds what it lacks', async () => {
    const { mmproj, unknown } = await plan();
    expect(entries(mmproj)).toMatchObject({
      'general.architecture': 'clip',
      'clip.has_vision_encoder': true,
      'clip.projector_type': 'mlp',
      'clip.use_gelu': true,
      'clip.vision.image_size': 28,
      'clip.vision.patch_size': 14,
      'clip.vision.block_count': 2,
      'clip.vision.feature_layer': Int32Array.of(2),
      'clip.vision.feed_forward_length': tiny.nVisionFfn,
      'clip.vision.attention.head_count': 1,
      'clip.vision.projection_dim': tiny.nEmbd,
      'clip.vision.image_mean': Float32Array.of(0.5, 0.5, 0.5),
      'clip.vision.image_grid_pinpoints': Int32Array.of(28, 28, 28, 56, 56, 28, 56, 56),
      'llavaov.dialect': 'llava-next',
      'llavaov.anyres_max': 9,
      'llavaov.newline_position': 'one_token',
    });
    expect(entries(mmproj)).not.toHaveProperty(['llavaov.ffn_length']);
    expect(unknown.every(({ name }) => name.includes('post_layernorm'))).toBe(true);
  });

  test('pads the FFN for q8_0 and leaves rows that do not divide in f16', async () => {
    const { mmproj } = await plan('q8_0');
    expect(entries(mmproj)).toMatchObject({
      'clip.vision.feed_forward_length': 96,
      'llavaov.ffn_length': 80,
      'general.file_type': 7,
    });
    expect(types(mmproj)).toMatchObject({
      'v.blk.0.ffn_down.weight': 'q8_0',
      'v.blk.0.ffn_up.weight': 'f16',
      'v.blk.0.ffn_up.bias': 'f32',
      'v.patch_embd.weight': 'f32',
      'v.position_embd.weight': 'f32',
      'mm.2.weight': 'q8_0',
    });
    const shapes = Object.fromEntries(mmproj.tensors.map(({ name, shape }) => [name, shape]));
    expect(shapes).toMatchObject({
      'v.blk.0.ffn_down.weight': [96, 72],
      'v.blk.0.ffn_up.weight': [72, 96],
      'v.blk.0.ffn_up.bias': [96],
    });
    expect(mmproj.notes.join()).toMatch(/80 to 96.*matrices are f16/s);
  });

  test('the last block of an untruncated tower is not used', async () => {
    expect(entries((await plan('f16', true)).mmproj)['clip.vision.block_count']).toBe(1);
  });

  test('sizes come from preprocessor_config.json first, a described tower second', async () => {
    config.mm_vision_tower = 'elsewhere';
    files['preprocessor_config.json'] = {
      size: [28, 28],
      image_mean: [0.1, 0.2, 0.3],
      image_std: [1, 1, 1],
    };
    const [mean] = [entries((await plan()).mmproj)['clip.vision.image_mean']];
    expect(mean).toEqual(Float32Array.of(0.1, 0.2, 0.3));
    delete files['preprocessor_config.json'];
    rmSync(join(dir, 'preprocessor_config.json'));
    config.vision_config = { image_size: 28, num_attention_heads: 8, layer_norm_eps: 1e-5 };
    expect(entries((await plan()).mmproj)).toMatchObject({
      'clip.vision.attention.head_count': 8,
      'clip.vision.attention.layer_norm_epsilon': 1e-5,
    });
  });

  test('plain anyres has no limit', async () => {
    config.image_aspect_ratio = 'anyres';
    expect(entries((await plan()).mmproj)['llavaov.anyres_max']).toBe(0);
  });
});

describe('tensors that are stored and not used', () => {
  test('nothing is said of what no release uses', async () => {
    tensors[`${tower}.head.probe`] = bf16Tensor([1, 1, 72]);
    tensors[`${tower}.embeddings.position_ids`] = bf16Tensor([4]);
    tensors['model.layers.0.self_attn.rotary_emb.inv_freq'] = bf16Tensor([8]);
    expect((await plan('f16', true)).notes).toEqual([
      'blocks of the tower after the last one that the model runs are left out: v.blk.1.',
    ]);
    delete tensors[`${tower}.head.probe`];
    expect((await plan()).notes).toEqual([]);
  });

  test('a head that is tied, and blocks of the tower', async () => {
    tensors['lm_head.weight'] = bf16Tensor([tiny.nVocab, tiny.nEmbd]);
    tensors[`${tower}.encoder.layers.2.mlp.fc2.bias`] = bf16Tensor([72]);
    tensors[`${tower}.encoder.layers.3.mlp.fc2.bias`] = bf16Tensor([72]);
    config.vision_config = { num_hidden_layers: 2 };
    expect((await plan()).notes).toEqual([
      "'lm_head.weight' is left out: the embedding matrix is the head.",
      'blocks of the tower after the last one that the model runs are left out: v.blk.2, v.blk.3.',
    ]);
  });
});

test('a layout matches on suffixes, so a further prefix does not matter', async () => {
  tensors = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [`base.${name}`, tensor]),
  );
  expect((await plan()).unknown).toHaveLength(2);
});

test.each(['vision_tower.vision_tower.', 'vision_tower.', 'model.vision_tower.'])(
  'the tower’s names need no vision_model. (%s)',
  async (prefix) => {
    const expected = await plan();
    tensors = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name.replace(`${tower}.`, prefix), tensor]),
    );
    const { mmproj, unknown } = await plan();
    const names = ({ tensors }: GgufPlan) =>
      tensors.map(({ name, source }) => [name, source.shape]);
    expect(names(mmproj)).toEqual(names(expected.mmproj));
    expect(unknown.map(({ name }) => name)).toEqual([
      `${prefix}post_layernorm.weight`,
      `${prefix}post_layernorm.bias`,
    ]);
  },
);

describe('refused checkpoints', () => {
  const set = (key: string, value: unknown) => () => {
    config[key] = value;
  };
  const tensor = (name: string, value?: TestTensor) => () => {
    if (value) tensors[name] = value;
    else delete tensors[name];
  };
  const cases: [what: string, edit: () => void, message: RegExp][] = [
    [
      'another architecture',
      set('architectures', ['LlamaForCausalLM']),
      /LlavaQwenForCausalLM.*LlamaForCausalLM/,
    ],
    ['no architecture', set('architectures', undefined), /architectures.*missing/],
    ['no hidden size', set('hidden_size', undefined), /"hidden_size".*missing/],
    ['fractional layers', set('num_hidden_layers', 1.5), /"num_hidden_layers"/],
    ['heads that do not divide', set('num_attention_heads', 3), /3 heads/],
    ['another activation', set('hidden_act', 'gelu'), /'silu'.*"gelu"/],
    ['sliding window', set('use_sliding_window', true), /use_sliding_window/],
    ['eos beyond the tokenizer', set('eos_token_id', 299), /299.*263/],
    ['no eos', set('eos_token_id', undefined), /eos_token_id/],
    ['another projector', set('mm_projector_type', 'linear'), /'mlp2x_gelu'/],
    ['another merge type', set('mm_patch_merge_type', 'flat'), /'spatial_unpad'/],
    ['another aspect mode', set('image_aspect_ratio', 'pad'), /anyres_max_N/],
    ['pinpoints off the tile', set('image_grid_pinpoints', [[30, 30]]), /tile size 28/],
    [
      'an image size that does not fit',
      set('mm_vision_tower', 'siglip-patch14-42'),
      /3² positions.*4/,
    ],
    [
      'missing decoder tensor',
      tensor('model.layers.0.mlp.up_proj.weight'),
      /'blk.0.ffn_up.weight' is missing/,
    ],
    ['missing embeddings', tensor('model.embed_tokens.weight'), /no token embeddings/],
    [
      'missing tower tensor',
      tensor(`${tower}.encoder.layers.1.mlp.fc2.bias`),
      /'v.blk.1.ffn_down.bias' is missing/,
    ],
    [
      'a decoder block too many',
      tensor('model.layers.1.input_layernorm.weight', bf16Tensor([32])),
      /'model.layers.1.input_layernorm.weight'.*config.json.*"num_hidden_layers" is 1/,
    ],
    ['missing newline', tensor('model.image_newline'), /'v.image_newline' is missing/],
    [
      'misshapen tensor',
      tensor('model.norm.weight', bf16Tensor([33])),
      /'model.norm.weight' has shape \[33\].*\[32\]/,
    ],
    [
      'integers',
      tensor('model.norm.weight', { dtype: 'I16', shape: [32], data: new Uint8Array(64) }),
      /dtype I16/,
    ],
    ['one part twice', tensor('base.model.norm.weight', bf16Tensor([32])), /are the same part/],
  ];
  test.each(cases)('%s', async (_, edit, message) => {
    edit();
    const error = await plan().catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT' });
    expect(error.message).toMatch(message);
  });

  test('a folder that is not there, a file, a folder without config', async () => {
    await expect(openCheckpoint(join(dir, 'absent'))).rejects.toThrow(
      /expected a checkpoint folder/,
    );
    writeFileSync(join(dir, 'file'), '');
    await expect(openCheckpoint(join(dir, 'file'))).rejects.toThrow(/expected a checkpoint folder/);
    mkdirSync(join(dir, 'empty'));
    await expect(openCheckpoint(join(dir, 'empty'))).rejects.toThrow(
      /config\.json: the file is missing/,
    );
  });
});

test('sizes as llama.cpp writes them, in powers of ten', () => {
  const texts = ['12', '64K', '500k', '500M', '2G', '2T', '1.5G', 'K', '0', '-1M'];
  expect(texts.map(parseSize)).toEqual([
    ...[12, 64_000, 500_000, 500_000_000, 2_000_000_000],
    ...[undefined, undefined, undefined, undefined, undefined],
  ]);
});
