/** Adapters that cannot be converted, or not whole: refused by name before anything is written. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { convert } from '../../src/convert/convert.js';
import type { ConvertLoraOptions } from '../../src/convert/convert-lora.js';
import { PREFIX, tensor, writeConfig, writeLora } from '../support/lora.js';
import { expectPairs, loraConversion, MODULES } from '../support/lora-conversion.js';

const { source, outdir, write } = loraConversion();

const VISUAL = {
  [`${PREFIX}model.vision_tower.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.lora_A.weight`]:
    tensor([4, 8], new Float32Array(32)),
  [`${PREFIX}model.mm_projector.0.weight`]: tensor([2, 2], new Float32Array(4)),
};

const WEIGHTS = 'non_lora_trainables.bin';

describe('what changes more than the decoder', () => {
  it.each([
    ['tensors', VISUAL],
    [
      'transformers’ names',
      {
        [`${PREFIX}model.multi_modal_projector.linear_1.lora_A.weight`]: tensor(
          [4, 8],
          new Float32Array(32),
        ),
      },
    ],
  ])('is refused by name, or left out on request: %s', async (_, extra) => {
    const lora = await writeLora(source, { modules: MODULES, extra });
    const [name] = Object.keys(extra);
    const error = await write().catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT', tensor: name });
    expect(error.message).toContain(name);
    const { adapter, notes } = await write({ textOnly: true });
    await expectPairs(adapter.path, lora);
    expect(notes[0]).toContain(name);
  });

  it('is refused beside the adapter too', async () => {
    const lora = await writeLora(source, { modules: MODULES });
    writeFileSync(join(source, WEIGHTS), 'weights');
    await expect(write()).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      path: join(source, WEIGHTS),
    });
    await expectPairs((await write({ textOnly: true })).adapter.path, lora);
  });
});

describe('refused:', () => {
  test.each([
    ['peft_type', 'ADALORA'],
    ['peft_type', undefined],
    ['r', 0],
    ['r', '4'],
    ['lora_alpha', 0],
    ['lora_alpha', -1],
    ['lora_alpha', 1e39],
    ['lora_alpha', undefined],
    ['use_rslora', 'yes'],
    ['use_dora', true],
    ['lora_bias', true],
    ['bias', 'all'],
    ['fan_in_fan_out', true],
    ['use_qalora', true],
    ['layer_replication', [[0, 2]]],
    ['trainable_token_indices', [1]],
    ['target_parameters', ['x']],
    ['alora_invocation_tokens', [1]],
    ['init_lora_weights', 'pissa_niter_16'],
    ['init_lora_weights', 'olora'],
    ['task_type', 'SEQ_CLS'],
    ['rank_pattern', [1]],
    ['rank_pattern', { '(': 4 }],
    ['rank_pattern', { q_proj: 1.5 }],
    ['alpha_pattern', { q_proj: 0 }],
  ])('"%s" of %j', async (key, value) => {
    await writeLora(source, { modules: MODULES, config: { [key]: value } });
    const error = await write().catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'ERR_CHECKPOINT',
      path: join(source, 'adapter_config.json'),
    });
    expect(error.message).toContain(`"${key}`);
    expect(existsSync(outdir)).toBe(false);
  });

  const Q = `${PREFIX}${MODULES[0]}`;
  const small = (...shape: number[]) =>
    tensor(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  test.each([
    ['a norm', `${PREFIX}model.norm.weight`, small(256), /modules_to_save/],
    ['an embedding', `${PREFIX}model.embed_tokens.weight`, small(4, 4), /modules_to_save/],
    ['a magnitude', `${Q}.lora_magnitude_vector`, small(4), /modules_to_save/],
    ['another model', `${PREFIX}transformer.h.0.lora_A.weight`, small(4, 4), /no part/],
    ['half a pair', `${PREFIX}model.layers.2.mlp.up_proj.lora_A.weight`, small(4, 256), /lora_B/],
    ['a part twice', `${PREFIX}${MODULES[0]}.lora_A.default.weight`, small(4, 256), /same part/],
    ['a vector', `${PREFIX}model.layers.2.mlp.up_proj.lora_B.weight`, small(4), /a matrix/],
    ['another rank', `${PREFIX}model.layers.2.mlp.up_proj.lora_A.weight`, small(5, 256), /rank 5/],
    [
      'integers',
      `${PREFIX}model.layers.2.mlp.up_proj.lora_A.weight`,
      { ...small(4, 256), dtype: 'I32' },
      /dtype I32/,
    ],
  ])('a tensor: %s', async (what, name, value, message) => {
    const extra: Record<string, ReturnType<typeof small>> = { [name]: value };
    if (what === 'another rank') extra[name.replace('_A', '_B')] = small(512, 5);
    await writeLora(source, { modules: MODULES, extra });
    const error = await write().catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT', tensor: name });
    expect(error.message).toContain(name);
    expect(error.message).toMatch(message);
    expect(existsSync(outdir)).toBe(false);
  });

  test('values that are not finite', async () => {
    const values = new Float32Array(4 * 256).fill(Number.NaN);
    const up = `${PREFIX}model.layers.2.mlp.up_proj`;
    const extra = {
      [`${up}.lora_A.weight`]: tensor([4, 256], values),
      [`${up}.lora_B.weight`]: small(512, 4),
    };
    await writeLora(source, { modules: MODULES, extra });
    await expect(write()).rejects.toMatchObject({ tensor: `${up}.lora_A.weight` });
    expect(readdirSync(outdir)).toEqual([]);
  });

  test('a folder without safetensors', async () => {
    mkdirSync(source);
    writeConfig(source, { r: 4 });
    await expect(write()).rejects.toThrow(/no adapter_model.safetensors/);
    writeFileSync(join(source, 'adapter_model.bin'), '');
    await expect(write()).rejects.toThrow(/adapter_model.bin has to be saved as/);
  });

  test('nothing of the decoder', async () => {
    await writeLora(source, { modules: [], extra: VISUAL });
    await expect(write({ textOnly: true })).rejects.toThrow(/nothing of the decoder/);
  });

  test('an adapter as a checkpoint', async () => {
    await writeLora(source, { modules: MODULES });
    await expect(convert({ checkpoint: source, outdir })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('LoRA'),
    });
  });

  test.each([
    ['outtype', { outtype: 'q4_k_m' }],
    ['name', { name: 'a/b' }],
    ['base', { base: '' }],
    ['outdir', { outdir: '' }],
    ['adapter', { adapter: 1, name: undefined }],
  ])('the option %s', async (argument, options) => {
    await expect(write(options as Partial<ConvertLoraOptions>)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });
});
