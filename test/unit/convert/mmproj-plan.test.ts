/** What the mmproj is planned to hold; nothing is written here. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { draftRig, entries, types } from '../../support/plan.js';
import { tiny } from '../../support/safetensors.js';

const draft = draftRig();
const { plan } = draft;

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
    draft.config.mm_vision_tower = 'elsewhere';
    draft.files['preprocessor_config.json'] = {
      size: [28, 28],
      image_mean: [0.1, 0.2, 0.3],
      image_std: [1, 1, 1],
    };
    const [mean] = [entries((await plan()).mmproj)['clip.vision.image_mean']];
    expect(mean).toEqual(Float32Array.of(0.1, 0.2, 0.3));
    delete draft.files['preprocessor_config.json'];
    rmSync(join(draft.dir, 'preprocessor_config.json'));
    draft.config.vision_config = { image_size: 28, num_attention_heads: 8, layer_norm_eps: 1e-5 };
    expect(entries((await plan()).mmproj)).toMatchObject({
      'clip.vision.attention.head_count': 8,
      'clip.vision.attention.layer_norm_epsilon': 1e-5,
    });
  });

  test('plain anyres has no limit', async () => {
    draft.config.image_aspect_ratio = 'anyres';
    expect(entries((await plan()).mmproj)['llavaov.anyres_max']).toBe(0);
  });
});
