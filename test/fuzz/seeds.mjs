/** Good files of every kind, made of small checkpoints: what changes begin from. Enters an empty folder. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { safetensors, writeSmallCheckpoint } from './small-checkpoint.mjs';

export const DIST = new URL('../../dist/src/', import.meta.url);
const SHAPE = { width: 64, ffn: 96, nHead: 2, nHeadKv: 1, nLayer: 2 };
/** Blocks of 256 values, as the types with an importance matrix have them. */
const WIDE = { width: 256, ffn: 256, nHead: 4, nHeadKv: 1, nLayer: 1 };

/** Small, and different in each tile. */
export const PICTURE = {
  width: 130,
  height: 90,
  data: Uint8Array.from({ length: 130 * 90 * 3 }, (_, i) => (i * i) >> 5),
};
export const ASK = [
  {
    role: /** @type {const} */ ('user'),
    content: [
      { type: /** @type {const} */ ('image'), image: PICTURE },
      { type: /** @type {const} */ ('text'), text: 'What?' },
    ],
  },
];
export const LOAD = { backend: /** @type {const} */ ('cpu'), threads: 1, contextSize: 512 };

/** @param {string} folder */
export async function makeSeeds(folder) {
  const { convert, convertLora, LlavaOneVision } = await import(`${DIST}index.js`);
  const files = join(folder, 'seeds');
  mkdirSync(files);
  const checkpoint = join(files, 'checkpoint');
  writeSmallCheckpoint(checkpoint, SHAPE);
  cpSync(checkpoint, join(folder, 'checkpoint'), { recursive: true });
  const { model, mmproj } = await convert({ checkpoint, outdir: files, outtype: 'q8_0' });
  writeSmallCheckpoint(join(files, 'wide'), WIDE);
  const wide = { checkpoint: join(files, 'wide'), outdir: join(folder, 'wide'), outtype: 'f16' };
  const { model: float } = await convert(wide);
  const lora = await convertLora({ adapter: adapterFolder(files), outdir: files });
  const imatrix = join(files, 'imatrix.dat');
  writeFileSync(imatrix, binaryImatrix());
  const rows = join(folder, 'rows');
  const chats = await LlavaOneVision.load({
    ...LOAD,
    model: model.path,
    mmproj: mmproj.path,
    visualCacheDir: rows,
  });
  const session = chats.session({ system: 'Be brief.' });
  await session.chat(ASK[0]?.content, { maxTokens: 4 }).result;
  await session.save(join(files, 'session'));
  await chats.dispose();
  cpSync(rows, join(files, 'rows'), { recursive: true });
  return {
    decoder: model.path,
    mmproj: mmproj.path,
    float: float.path,
    lora: lora.adapter.path,
    imatrix,
    session: join(files, 'session'),
    rows: join(files, 'rows'),
    checkpoint,
  };
}

/** PEFT's form, of rank 4. @param {string} folder */
function adapterFolder(folder) {
  const path = join(folder, 'adapter');
  mkdirSync(path);
  const config = {
    peft_type: 'LORA',
    r: 4,
    lora_alpha: 8,
    bias: 'none',
    target_modules: ['q_proj'],
  };
  writeFileSync(join(path, 'adapter_config.json'), JSON.stringify(config));
  const { width } = SHAPE;
  const name = 'base_model.model.model.layers.0.self_attn.q_proj.lora_';
  const tensors = { [`${name}A.weight`]: [4, width], [`${name}B.weight`]: [width, 4] };
  writeFileSync(join(path, 'adapter_model.safetensors'), safetensors(tensors));
  return path;
}

/** llama-imatrix's older format: for each matrix its name, calls, and sums. */
function binaryImatrix() {
  const matrices = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];
  const names = matrices.map((name) => `blk.0.${name}.weight`);
  const i32 = (/** @type {number} */ value) => Buffer.from(Int32Array.of(value).buffer);
  const parts = names.flatMap((name) => {
    const sums = Float32Array.from({ length: WIDE.width }, (_, i) => 1 + (i % 7));
    const head = [i32(name.length), Buffer.from(name), i32(3), i32(WIDE.width)];
    return [...head, Buffer.from(sums.buffer)];
  });
  return Buffer.concat([i32(names.length), ...parts, i32(2), i32(4), Buffer.from('text')]);
}

/** @param {Uint8Array} bytes */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** @param {string} path */
export const bytesOf = (path) => readFileSync(path);
