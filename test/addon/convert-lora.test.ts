/** Adapter folders through the real writer: what comes out is what went in, or is refused by name. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, test } from 'vitest';
import { convert } from '../../src/convert/convert.js';
import { type ConvertLoraOptions, convertLora } from '../../src/convert/convert-lora.js';
import { readLoraFile } from '../../src/gguf/lora-file.js';
import { readGguf } from '../../src/gguf/reader.js';
import { floatsToF16, toFloats } from '../support/floats.js';
import {
  ALL_NAMES,
  blockModules,
  DEMO,
  type Lora,
  PREFIX,
  tensor,
  transpose,
  writeConfig,
  writeLora,
} from '../support/lora.js';
import { safetensorsBytes } from '../support/safetensors.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const source = join(folder.path, 'adapter');
const outdir = join(folder.path, 'out');
beforeEach(() => {
  for (const path of [source, outdir]) rmSync(path, { recursive: true, force: true });
});

const MODULES = [0, 1].flatMap((block) => blockModules(block, ALL_NAMES));
const GGUF_NAMES: Record<string, string> = {
  ...{ q_proj: 'attn_q', k_proj: 'attn_k', v_proj: 'attn_v', o_proj: 'attn_output' },
  ...{ gate_proj: 'ffn_gate', up_proj: 'ffn_up', down_proj: 'ffn_down' },
};

const write = (options: Partial<ConvertLoraOptions> = {}) =>
  convertLora({ adapter: source, outdir, name: 'x', outtype: 'f32', ...options });

async function valuesIn(path: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readGguf(path);
  const bytes = readFileSync(path);
  return new Map(
    tensors.map(({ name, type, offset, bytes: size }) => [
      name,
      toFloats(type, bytes.subarray(offset, offset + size)),
    ]),
  );
}

async function expectPairs(path: string, lora: Lora): Promise<void> {
  const values = await valuesIn(path);
  expect(values.size).toBe(2 * lora.pairs.size);
  for (const [module, { a, b }] of lora.pairs) {
    const [, block, part] = /layers\.(\d+)\.\w+\.(\w+)$/.exec(module)!;
    const name = `blk.${block}.${GGUF_NAMES[part!]}.weight`;
    expect(values.get(`${name}.lora_a`)).toEqual(a);
    expect(values.get(`${name}.lora_b`)).toEqual(b);
  }
}

describe('a converted adapter', () => {
  it('holds the values bit for bit, and what llama.cpp looks for', async () => {
    const lora = await writeLora(source, { modules: MODULES, config: { lora_alpha: 24 } });
    const { adapter, alpha, ranks, notes } = await write({ verify: true, checksumFiles: true });
    expect(basename(adapter.path)).toBe('x-lora-f32.gguf');
    expect({ alpha, ranks }).toEqual({ alpha: 24, ranks: [4] });
    expect(notes).toEqual([expect.stringContaining('Not compared')]);
    expect(adapter.sha256).toMatch(/^[0-9a-f]{64}$/);
    await expectPairs(adapter.path, lora);
    const { metadata, scalarTypes } = await readGguf(adapter.path);
    expect(Object.fromEntries(metadata)).toMatchObject({
      'general.type': 'adapter',
      'general.architecture': 'qwen2',
      'general.name': 'x',
      'general.base_model.0.repo_url': 'https://huggingface.co/owner/model',
      'adapter.type': 'lora',
      'adapter.lora.alpha': 24,
    });
    expect(scalarTypes.get('adapter.lora.alpha')).toBe('f32');
    expect((await readLoraFile(adapter.path)).pairs).toHaveLength(MODULES.length);
  });

  it('is the same file for every layout of names', async () => {
    const modules = [...MODULES, 'model.embed_tokens', 'lm_head'];
    const layouts = [
      (module: string) => module,
      (module: string) => `language_model.${module}`,
      (module: string) => module.replace(/^model\./, 'model.language_model.'),
    ];
    const files: Buffer[] = [];
    for (const rename of layouts) {
      await writeLora(source, { modules, rename });
      files.push(readFileSync((await write()).adapter.path));
    }
    expect(files[1]!.equals(files[0]!)).toBe(true);
    expect(files[2]!.equals(files[0]!)).toBe(true);
  });

  it('has the embedding turned round', async () => {
    const lora = await writeLora(source, { modules: ['model.embed_tokens'] });
    const { adapter } = await write();
    const values = await valuesIn(adapter.path);
    // W + B·A, looked up by row: a row of lora_a, then lora_b.
    const { a, b, rank } = lora.pairs.get('model.embed_tokens')!;
    expect(values.get('token_embd.weight.lora_a')).toEqual(b);
    expect(values.get('token_embd.weight.lora_b')).toEqual(transpose(a, rank));
  });

  it('scales what differs from the rest', async () => {
    const [q] = MODULES as [string];
    const lora = await writeLora(source, {
      modules: MODULES,
      config: { alpha_pattern: { [q]: 2 } },
    });
    const { adapter, alpha } = await write({ verify: true });
    expect(alpha).toBe(8);
    lora.pairs.get(q)!.b = lora.pairs.get(q)!.b.map((value) => value / 4);
    await expectPairs(adapter.path, lora);
  });

  it.each([
    ['f16', 'F16'],
    ['bf16', 'BF16'],
  ] as const)('takes sources in %s, also where it computes', async (_, dtype) => {
    const values = Float32Array.of(1, -2, 0.5, 0, -0.25, 3, 1.5, -8);
    const encode = (part: Float32Array) =>
      dtype === 'F16'
        ? floatsToF16(part)
        : Uint16Array.from(new Uint32Array(part.buffer), (w) => w >>> 16);
    const store = (shape: number[]) => ({
      dtype,
      shape,
      data: new Uint8Array(encode(values.slice()).buffer),
    });
    const layer = (name: string, half: string) =>
      `${PREFIX}model.layers.0.self_attn.${name}.lora_${half}.weight`;
    mkdirSync(source);
    const tensors = Object.fromEntries(
      ['q_proj', 'k_proj', 'v_proj'].flatMap((name) => [
        [layer(name, 'A'), store([2, 4])],
        [layer(name, 'B'), store([4, 2])],
      ]),
    );
    writeFileSync(join(source, 'adapter_model.safetensors'), safetensorsBytes(tensors));
    writeConfig(source, { r: 2, alpha_pattern: { v_proj: 4 } });
    const stored = await valuesIn((await write()).adapter.path);
    expect(stored.get('blk.0.attn_q.weight.lora_b')).toEqual(values);
    expect(stored.get('blk.0.attn_v.weight.lora_a')).toEqual(values);
    expect(stored.get('blk.0.attn_v.weight.lora_b')).toEqual(values.map((value) => value / 2));
  });

  it('in q8_0 has f16 where rows are no whole blocks', async () => {
    await writeLora(source, { modules: MODULES });
    const { adapter, notes } = await write({ outtype: 'q8_0' });
    const { tensors } = await readGguf(adapter.path);
    for (const { name, type } of tensors) expect(type).toBe(name.endsWith('a') ? 'q8_0' : 'f16');
    expect(notes.join()).toMatch(/14 matrices are f16/);
  });

  it('leaves out weights of the base that were stored along', async () => {
    const extra = {
      [`${PREFIX}model.layers.0.mlp.up_proj.base_layer.weight`]: tensor([2], new Float32Array(2)),
    };
    const lora = await writeLora(source, { modules: MODULES, extra });
    const { adapter, notes } = await write();
    await expectPairs(adapter.path, lora);
    expect(notes[0]).toMatch(/1 weights of the base model are left out: .*base_layer/);
  });
});

describe('against its base', () => {
  it.each(['checkpoint', 'GGUF'])('a %s: fits', async (kind) => {
    await writeLora(source, { modules: MODULES });
    const base =
      kind === 'GGUF' ? (await convert({ checkpoint: DEMO, outdir, name: 'd' })).model.path : DEMO;
    expect((await write({ base })).notes).toEqual([]);
  });

  it('the folder that its configuration names is taken by itself', async () => {
    await writeLora(source, { modules: MODULES, config: { base_model_name_or_path: DEMO } });
    expect((await write()).notes).toEqual([]);
  });

  it.each([
    ['another width', 'model.layers.0.mlp.up_proj', [4, 250], [512, 4], /\[250,512\]/],
    ['another height', 'model.layers.0.mlp.up_proj', [4, 256], [500, 4], /\[256,500\]/],
    ['more blocks', 'model.layers.3.mlp.up_proj', [4, 256], [512, 4], /3 blocks/],
    ['a head of its own', 'lm_head', [4, 256], [1280, 4], /head/],
  ])('%s is refused', async (_, module, a, b, message) => {
    const matrix = (shape: number[]) =>
      tensor(shape, new Float32Array(shape[0]! * shape[1]!).fill(1));
    const extra = {
      [`${PREFIX}${module}.lora_A.weight`]: matrix(a),
      [`${PREFIX}${module}.lora_B.weight`]: matrix(b),
    };
    await writeLora(source, { modules: [], extra });
    await expect(write({ base: DEMO })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      tensor: `${PREFIX}${module}.lora_A.weight`,
      message: expect.stringMatching(message),
    });
    expect(existsSync(outdir)).toBe(false);
  });

  it('the embedding of a tied base is refused', async () => {
    await writeLora(source, { modules: ['model.embed_tokens'] });
    await expect(write({ base: DEMO })).rejects.toThrow(/llama.cpp cannot/);
  });
});

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
