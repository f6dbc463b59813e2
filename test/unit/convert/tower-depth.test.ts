/** How many blocks of the tower are run, and which of them must be there. */
import { expect, test } from 'vitest';
import { readLmmsConfig } from '../../../src/convert/lmms-config.js';
import { draftRig, entries } from '../../support/plan.js';
import { bf16Tensor } from '../../support/safetensors.js';

const draft = draftRig();
const plan = (hasPoolingHead = false) => draft.plan('f16', hasPoolingHead);
const tower = 'model.vision_tower.vision_tower.vision_model';

/** Copies the second block of the tower until there are `nBlocks`. */
const deepen = (nBlocks: number) => {
  for (const [name, tensor] of Object.entries(draft.tensors))
    for (let block = 2; block < nBlocks; block++)
      if (name.includes('encoder.layers.1.'))
        draft.tensors[name.replace('layers.1.', `layers.${block}.`)] = tensor;
};

test.each([
  [26, false, undefined, 26],
  [26, true, undefined, 26],
  [27, false, undefined, 26],
  [27, true, undefined, 26],
  [28, false, undefined, 28],
  [26, false, 26, 26],
  [26, false, 27, 26],
  [27, true, 27, 26],
  [5, false, 5, 5],
  [5, true, 5, 4],
  [5, false, 4, 4],
  [4, true, 5, 4],
])(
  '%i blocks stored, pooling head: %s, %s stated: runs %i',
  async (nStored, hasPoolingHead, stated, expected) => {
    deepen(nStored);
    if (stated !== undefined) draft.config.vision_config = { num_hidden_layers: stated };
    const { mmproj } = await plan(hasPoolingHead);
    expect(entries(mmproj)['clip.vision.block_count']).toBe(expected);
  },
);

test.each([
  ['the last block, where a depth is stated', 4, 5, 4, undefined],
  ['the last block of 26', 25, 26, 25, undefined],
  ['a block in the middle', 5, undefined, 3, /layers\.3\./],
  ['the norm of a block in the middle', 5, undefined, 3, /layers\.3\.layer_norm1\.weight/],
  ['all but one tensor of the last block', 5, undefined, 4, /layers\.4\.(?!mlp\.fc2\.bias)/],
] as const)('a tower without %s is refused', async (_, nStored, stated, missing, dropped) => {
  deepen(nStored);
  for (const name of Object.keys(draft.tensors))
    if (dropped?.test(name)) delete draft.tensors[name];
  if (stated !== undefined) draft.config.vision_config = { num_hidden_layers: stated };
  await expect(plan()).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    tensor: `v.blk.${missing}.ln1.weight`,
    message: expect.stringContaining(`'v.blk.${missing}.ln1.weight' is missing`),
  });
});

test('block numbers beyond reason are a gap', async () => {
  draft.tensors[`${tower}.encoder.layers.4000000000.layer_norm1.bias`] = bf16Tensor([72]);
  await expect(plan()).rejects.toMatchObject({ tensor: 'v.blk.2.ln1.weight' });
});

test('a tower of SO400M’s width has 26 blocks, or 27, unless another depth is stated', () => {
  const read = (vision_config: unknown) => {
    const checkpoint = {
      path: draft.dir,
      config: { path: draft.dir, fields: { ...draft.config, vision_config } },
    };
    const facts = { hasHead: false, hasPoolingHead: false };
    return readLmmsConfig({ ...checkpoint, tensors: new Map() }, facts);
  };
  const count = async (nBlocks: number, vision_config?: unknown) =>
    (await read(vision_config)).countBlocks({ nBlocks, nEmbd: 1152 });
  return Promise.all([
    expect(count(25)).resolves.toBe(26),
    expect(count(27)).resolves.toBe(26),
    expect(count(28)).rejects.toThrow(/28 blocks.*1152.*vision_config.num_hidden_layers/),
    expect(count(12, { num_hidden_layers: 12 })).resolves.toBe(12),
    expect(count(28, { num_hidden_layers: 28 })).resolves.toBe(28),
  ]);
});
