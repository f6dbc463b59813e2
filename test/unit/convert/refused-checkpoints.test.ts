/** What a checkpoint is refused for, before anything is planned of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../../src/convert/checkpoint.js';
import { draftRig } from '../../support/plan.js';
import { bf16Tensor, type TestTensor } from '../../support/safetensors.js';

const draft = draftRig();
const { plan } = draft;

const tower = 'model.vision_tower.vision_tower.vision_model';

describe('refused checkpoints', () => {
  const set = (key: string, value: unknown) => () => {
    draft.config[key] = value;
  };
  const tensor = (name: string, value?: TestTensor) => () => {
    if (value) draft.tensors[name] = value;
    else delete draft.tensors[name];
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
    await expect(openCheckpoint(join(draft.dir, 'absent'))).rejects.toThrow(
      /expected a checkpoint folder/,
    );
    writeFileSync(join(draft.dir, 'file'), '');
    await expect(openCheckpoint(join(draft.dir, 'file'))).rejects.toThrow(
      /expected a checkpoint folder/,
    );
    mkdirSync(join(draft.dir, 'empty'));
    await expect(openCheckpoint(join(draft.dir, 'empty'))).rejects.toThrow(
      /config\.json: the file is missing/,
    );
  });
});
