/** Good files of every kind, made of the demo checkpoint: what changes begin from. Enters an empty folder. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const DIST = new URL('../../dist/src/', import.meta.url);
const DEMO = fileURLToPath(new URL('../../demo/checkpoint/', import.meta.url));
const WIDTH = 256;

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
  const { model, mmproj } = await convert({ checkpoint: DEMO, outdir: files, outtype: 'q8_0' });
  const { model: float } = await convert({ checkpoint: DEMO, outdir: files, outtype: 'f16' });
  const lora = await convertLora({ adapter: await adapterFolder(folder), outdir: files });
  const imatrix = join(files, 'imatrix.dat');
  writeFileSync(imatrix, binaryImatrix());
  const chats = await LlavaOneVision.load({
    ...LOAD,
    model: model.path,
    mmproj: mmproj.path,
    visualCacheDir: join(folder, 'rows'),
  });
  const session = chats.session({ system: 'Be brief.' });
  await session.chat(ASK[0]?.content, { maxTokens: 4 }).result;
  await session.save(join(files, 'session'));
  await chats.dispose();
  await linked(DEMO, join(folder, 'checkpoint'));
  return {
    decoder: model.path,
    mmproj: mmproj.path,
    float: float.path,
    lora: lora.adapter.path,
    imatrix,
    session: join(files, 'session'),
  };
}

/** @param {string} from @param {string} to */
async function linked(from, to) {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) await symlink(join(from, name), join(to, name));
}

/** PEFT's form, of rank 4. @param {string} folder */
async function adapterFolder(folder) {
  const path = join(folder, 'adapter');
  await mkdir(path);
  const config = {
    peft_type: 'LORA',
    r: 4,
    lora_alpha: 8,
    bias: 'none',
    target_modules: ['q_proj'],
  };
  writeFileSync(join(path, 'adapter_config.json'), JSON.stringify(config));
  const name = 'base_model.model.model.layers.0.self_attn.q_proj.lora_';
  const bytes = 4 * 4 * WIDTH;
  const header = Buffer.from(
    JSON.stringify({
      [`${name}A.weight`]: { dtype: 'F32', shape: [4, WIDTH], data_offsets: [0, bytes] },
      [`${name}B.weight`]: { dtype: 'F32', shape: [WIDTH, 4], data_offsets: [bytes, 2 * bytes] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const values = Float32Array.from({ length: (2 * bytes) / 4 }, (_, i) => Math.sin(i) / 50);
  const data = new Uint8Array(values.buffer);
  writeFileSync(join(path, 'adapter_model.safetensors'), Buffer.concat([length, header, data]));
  return path;
}

/** llama-imatrix's older format: for each matrix its name, calls, and sums. */
function binaryImatrix() {
  const matrices = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];
  const names = [0, 1, 2].flatMap((layer) => matrices.map((name) => `blk.${layer}.${name}.weight`));
  const i32 = (/** @type {number} */ value) => Buffer.from(Int32Array.of(value).buffer);
  const parts = names.flatMap((name) => {
    const width = name.includes('ffn_down') ? 2 * WIDTH : WIDTH;
    const sums = Float32Array.from({ length: width }, (_, i) => 1 + (i % 7));
    const head = [i32(name.length), Buffer.from(name), i32(3), i32(width)];
    return [...head, Buffer.from(sums.buffer)];
  });
  return Buffer.concat([i32(names.length), ...parts, i32(2), i32(4), Buffer.from('text')]);
}

/** @param {Uint8Array} bytes */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** @param {string} path */
export const bytesOf = (path) => readFileSync(path);
