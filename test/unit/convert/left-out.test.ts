/** Tensors that were trained and have no place: refused, and what other programs put there by its name. */
import { describe, expect, test } from 'vitest';
import { draftRig } from '../../support/plan.js';
import { bf16Tensor, tiny } from '../../support/safetensors.js';

const draft = draftRig();
const { plan } = draft;

describe('refuses what was trained and has no place', () => {
  const proj = 'model.layers.0.self_attn.q_proj';
  test.each([
    ['model.extra', /no place/],
    ['model.layers.0.self_attn.o_proj.bias', /no place/],
    [`${proj}.lora_A.weight`, /LoRA.*merge_and_unload/],
    [`${proj}.lora_A.default.weight`, /LoRA.*merge_and_unload/],
    [`${proj}.base_layer.weight`, /base_layer.*merge_and_unload/],
    [`${proj}.weight_scale`, /_scale.*f16/],
    [`${proj}.weight_scale_inv`, /_scale.*f16/],
    [`${proj}.qweight`, /GPTQ.*f16/],
    [`${proj}.weight.absmax`, /bitsandbytes.*f16/],
    [`${proj}.weight.quant_state.bitsandbytes__nf4`, /bitsandbytes.*f16/],
  ])('%s', async (name, message) => {
    draft.tensors[name] = bf16Tensor([1]);
    await expect(plan()).rejects.toMatchObject({
      ...{ code: 'ERR_CHECKPOINT', tensor: name, message: expect.stringMatching(message) },
    });
  });

  test('also where it stands in the place of the weights', async () => {
    delete draft.tensors[`${proj}.weight`];
    draft.tensors[`${proj}.base_layer.weight`] = bf16Tensor([tiny.nEmbd, tiny.nEmbd]);
    await expect(plan()).rejects.toThrow(/base_layer/);
  });
});
