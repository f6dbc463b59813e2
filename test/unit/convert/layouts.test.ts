/** Names of a checkpoint’s tensors: which are found, which are left out and what is said of them. */
import { describe, expect, test } from 'vitest';
import type { GgufPlan } from '../../../src/convert/gguf-plan.js';
import { draftRig } from '../../support/plan.js';
import { bf16Tensor, tiny } from '../../support/safetensors.js';

const draft = draftRig();
const { plan } = draft;

const tower = 'model.vision_tower.vision_tower.vision_model';

describe('tensors that are stored and not used', () => {
  test('nothing is said of what no release uses', async () => {
    draft.tensors[`${tower}.head.probe`] = bf16Tensor([1, 1, 72]);
    draft.tensors[`${tower}.embeddings.position_ids`] = bf16Tensor([4]);
    draft.tensors['model.layers.0.self_attn.rotary_emb.inv_freq'] = bf16Tensor([8]);
    expect((await plan('f16', true)).notes).toEqual([
      'blocks of the tower after the last one that the model runs are left out: v.blk.1.',
    ]);
    delete draft.tensors[`${tower}.head.probe`];
    expect((await plan()).notes).toEqual([]);
  });

  test('a head that is tied, and blocks of the tower', async () => {
    draft.tensors['lm_head.weight'] = bf16Tensor([tiny.nVocab, tiny.nEmbd]);
    draft.tensors[`${tower}.encoder.layers.2.mlp.fc2.bias`] = bf16Tensor([72]);
    draft.tensors[`${tower}.encoder.layers.3.mlp.fc2.bias`] = bf16Tensor([72]);
    draft.config.vision_config = { num_hidden_layers: 2 };
    expect((await plan()).notes).toEqual([
      "'lm_head.weight' is left out: the embedding matrix is the head.",
      'blocks of the tower after the last one that the model runs are left out: v.blk.2, v.blk.3.',
    ]);
  });
});

test('a layout matches on suffixes, so a further prefix does not matter', async () => {
  draft.tensors = Object.fromEntries(
    Object.entries(draft.tensors).map(([name, tensor]) => [`base.${name}`, tensor]),
  );
  expect((await plan()).unknown).toHaveLength(2);
});

test.each(['vision_tower.vision_tower.', 'vision_tower.', 'model.vision_tower.'])(
  'the tower’s names need no vision_model. (%s)',
  async (prefix) => {
    const expected = await plan();
    draft.tensors = Object.fromEntries(
      Object.entries(draft.tensors).map(([name, tensor]) => [
        name.replace(`${tower}.`, prefix),
        tensor,
      ]),
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
