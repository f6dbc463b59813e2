/** Adapter folders converted by the real writer, and what stands in the files. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, expect } from 'vitest';
import { type ConvertLoraOptions, convertLora } from '../../src/convert/convert-lora.js';
import { readGguf } from '../../src/gguf/reader.js';
import { toFloats } from './floats.js';
import { ALL_NAMES, blockModules, type Lora } from './lora.js';
import { temporaryFolder } from './tiny-decoder.js';

export const MODULES = [0, 1].flatMap((block) => blockModules(block, ALL_NAMES));

const GGUF_NAMES: Record<string, string> = {
  ...{ q_proj: 'attn_q', k_proj: 'attn_k', v_proj: 'attn_v', o_proj: 'attn_output' },
  ...{ gate_proj: 'ffn_gate', up_proj: 'ffn_up', down_proj: 'ffn_down' },
};

export async function valuesIn(path: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readGguf(path);
  const bytes = readFileSync(path);
  return new Map(
    tensors.map(({ name, type, offset, bytes: size }) => [
      name,
      toFloats(type, bytes.subarray(offset, offset + size)),
    ]),
  );
}

export async function expectPairs(path: string, lora: Lora): Promise<void> {
  const values = await valuesIn(path);
  expect(values.size).toBe(2 * lora.pairs.size);
  for (const [module, { a, b }] of lora.pairs) {
    const [, block, part] = /layers\.(\d+)\.\w+\.(\w+)$/.exec(module)!;
    const name = `blk.${block}.${GGUF_NAMES[part!]}.weight`;
    expect(values.get(`${name}.lora_a`)).toEqual(a);
    expect(values.get(`${name}.lora_b`)).toEqual(b);
  }
}

/** To be called once in a test file: an adapter's folder and one for results, both gone before each test. */
export function loraConversion() {
  const { path, remove } = temporaryFolder();
  const source = join(path, 'adapter');
  const outdir = join(path, 'out');
  beforeEach(() => {
    for (const folder of [source, outdir]) rmSync(folder, { recursive: true, force: true });
  });
  afterAll(remove);
  const write = (options: Partial<ConvertLoraOptions> = {}) =>
    convertLora({ adapter: source, outdir, name: 'x', outtype: 'f32', ...options });
  return { source, outdir, write };
}
