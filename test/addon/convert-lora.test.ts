/** Adapter folders through the real writer: what comes out is what went in, and fits its base. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../src/convert/convert.js';
import { readLoraFile } from '../../src/gguf/lora-file.js';
import { readGguf } from '../../src/gguf/reader.js';
import { floatsToF16 } from '../support/floats.js';
import { DEMO, PREFIX, tensor, transpose, writeConfig, writeLora } from '../support/lora.js';
import { expectPairs, loraConversion, MODULES, valuesIn } from '../support/lora-conversion.js';
import { safetensorsBytes } from '../support/safetensors.js';

const { source, outdir, write } = loraConversion();

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
