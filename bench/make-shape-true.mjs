// Writes a checkpoint with the shapes of a published LLaVA-OneVision and random weights, so that speed and memory can be
// measured without a download. Its answers mean nothing. The layout `qwen2` is the text part alone, as a plain Qwen2.
//
//   node bench/make-shape-true.mjs DIR [--size 0.5b|7b|72b] [--layout lmms-lab|llava-hf|in-memory|qwen2]
//                                  [--dtype bf16|f16|f32] [--layers N]
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { scriptArgs } from '../scripts/script-args.mjs';
import { SPECIAL_IDS, TOWER, writeConfigs, writeTokenizer } from './shape-true-configs.mjs';

export { SPECIAL_IDS };

// spec: hidden, ffn, layers, query heads, KV heads, rows of the embedding (transformers pads them), tied head
const SIZES = {
  '0.5b': { hidden: 896, ffn: 4864, layers: 24, heads: 14, kvHeads: 2, rows: 151936, tied: true },
  '7b': { hidden: 3584, ffn: 18944, layers: 28, heads: 28, kvHeads: 4, rows: 152064, tied: false },
  '72b': { hidden: 8192, ffn: 29568, layers: 80, heads: 64, kvHeads: 8, rows: 152064, tied: false },
};
const TRANSFORMERS_ROWS = 64;

/** What a layout calls the parts; the rest of each name is the same in all. */
const LAYOUTS = {
  'lmms-lab': {
    decoder: 'model',
    head: 'lm_head',
    tower: 'model.vision_tower.vision_tower.vision_model',
    projector: ['model.mm_projector.0', 'model.mm_projector.2'],
    newline: 'model.image_newline',
  },
  'llava-hf': {
    decoder: 'language_model.model',
    head: 'language_model.lm_head',
    tower: 'vision_tower.vision_model',
    projector: ['multi_modal_projector.linear_1', 'multi_modal_projector.linear_2'],
    newline: 'image_newline',
    extraRows: TRANSFORMERS_ROWS,
  },
  'in-memory': {
    decoder: 'model.language_model',
    head: 'lm_head',
    tower: 'model.vision_tower.vision_model',
    projector: ['model.multi_modal_projector.linear_1', 'model.multi_modal_projector.linear_2'],
    newline: 'model.image_newline',
    extraRows: TRANSFORMERS_ROWS,
  },
  qwen2: { decoder: 'model', head: 'lm_head' },
};
const DTYPES = {
  bf16: { name: 'BF16', config: 'bfloat16', bytes: 2 },
  f16: { name: 'F16', config: 'float16', bytes: 2 },
  f32: { name: 'F32', config: 'float32', bytes: 4 },
};
const SHARD_BYTES = 4e9;

/** Name, shape and kind ('random', 'one', 'zero') of every tensor. */
function* tensors(size, names) {
  const { hidden, rows, tied } = size;
  yield [`${names.decoder}.embed_tokens.weight`, [rows, hidden], 'random'];
  for (let i = 0; i < size.layers; i++) yield* decoderBlock(`${names.decoder}.layers.${i}`, size);
  yield [`${names.decoder}.norm.weight`, [hidden], 'one'];
  if (!tied) yield [`${names.head}.weight`, [rows, hidden], 'random'];
  if (!names.tower) return;
  yield* towerTensors(names.tower);
  const [first, second] = names.projector;
  yield* linear(first, TOWER.width, hidden);
  yield* linear(second, hidden, hidden);
  yield [names.newline, [hidden], 'random'];
}

function* linear(name, nIn, nOut) {
  yield [`${name}.weight`, [nOut, nIn], 'random'];
  yield [`${name}.bias`, [nOut], 'zero'];
}

function* decoderBlock(block, { hidden, ffn, heads, kvHeads }) {
  const nKv = (hidden / heads) * kvHeads;
  yield [`${block}.input_layernorm.weight`, [hidden], 'one'];
  yield [`${block}.post_attention_layernorm.weight`, [hidden], 'one'];
  yield* linear(`${block}.self_attn.q_proj`, hidden, hidden);
  yield* linear(`${block}.self_attn.k_proj`, hidden, nKv);
  yield* linear(`${block}.self_attn.v_proj`, hidden, nKv);
  yield [`${block}.self_attn.o_proj.weight`, [hidden, hidden], 'random'];
  yield [`${block}.mlp.gate_proj.weight`, [ffn, hidden], 'random'];
  yield [`${block}.mlp.up_proj.weight`, [ffn, hidden], 'random'];
  yield [`${block}.mlp.down_proj.weight`, [hidden, ffn], 'random'];
}

function* towerTensors(root) {
  const { width, ffn, layers, image, patch } = TOWER;
  const nPatches = Math.floor(image / patch) ** 2;
  yield [`${root}.embeddings.patch_embedding.weight`, [width, 3, patch, patch], 'random'];
  yield [`${root}.embeddings.patch_embedding.bias`, [width], 'zero'];
  yield [`${root}.embeddings.position_embedding.weight`, [nPatches, width], 'random'];
  for (let i = 0; i < layers; i++) {
    const block = `${root}.encoder.layers.${i}`;
    for (const norm of ['layer_norm1', 'layer_norm2']) {
      yield [`${block}.${norm}.weight`, [width], 'one'];
      yield [`${block}.${norm}.bias`, [width], 'zero'];
    }
    for (const name of ['q', 'k', 'v', 'out'])
      yield* linear(`${block}.self_attn.${name}_proj`, width, width);
    yield* linear(`${block}.mlp.fc1`, width, ffn);
    yield* linear(`${block}.mlp.fc2`, ffn, width);
  }
}

/** Bits of an f32 in a dtype, truncated; what would be a subnormal f16 becomes 0. */
const encoders = {
  bf16: (bits) => bits >>> 16,
  f16: (bits) => {
    const exponent = ((bits >>> 23) & 255) - 112;
    const sign = (bits >>> 16) & 0x8000;
    return exponent <= 0 ? sign : sign | (exponent << 10) | ((bits >>> 13) & 0x3ff);
  },
  f32: (bits) => bits,
};

/** Normal with deviation 0.02 (from a repeating block: writing speed counts, not statistics). */
function makeBlocks(dtype) {
  const n = 1 << 22;
  const Values = DTYPES[dtype].bytes === 2 ? Uint16Array : Uint32Array;
  const random = new Values(n);
  const view = new Float32Array(1);
  const bits = new Uint32Array(view.buffer);
  let state = 42;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
  const encode = (value) => {
    view[0] = value;
    return encoders[dtype](bits[0]);
  };
  for (let i = 0; i < n; i++)
    random[i] = encode(
      0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    );
  return {
    random: Buffer.from(random.buffer),
    one: Buffer.from(new Values(n).fill(encode(1)).buffer),
    zero: Buffer.alloc(random.byteLength),
  };
}

const bytesOf = (shape, dtype) => DTYPES[dtype].bytes * shape.reduce((a, b) => a * b, 1);

function writeShard(path, list, { dtype, blocks }) {
  const header = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, shape] of list) {
    const begin = end;
    end += bytesOf(shape, dtype);
    header[name] = { dtype: DTYPES[dtype].name, shape, data_offsets: [begin, end] };
  }
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(path, 'w');
  writeSync(file, length);
  writeSync(file, json);
  for (const [, shape, kind] of list) {
    for (let left = bytesOf(shape, dtype); left > 0; ) {
      const piece = blocks[kind].subarray(0, Math.min(left, blocks[kind].length));
      left -= writeSync(file, piece);
    }
  }
  closeSync(file);
  return end;
}

function writeWeights(dir, all, content) {
  const shards = [[]];
  let bytes = 0;
  for (const tensor of all) {
    const needed = bytesOf(tensor[1], content.dtype);
    if (bytes + needed > SHARD_BYTES && bytes > 0) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1).push(tensor);
    bytes += needed;
  }
  if (shards.length === 1) return writeShard(join(dir, 'model.safetensors'), shards[0], content);
  const total = String(shards.length).padStart(5, '0');
  const weight_map = {};
  let total_size = 0;
  shards.forEach((list, i) => {
    const name = `model-${String(i + 1).padStart(5, '0')}-of-${total}.safetensors`;
    total_size += writeShard(join(dir, name), list, content);
    for (const [tensor] of list) weight_map[tensor] = name;
  });
  const index = { metadata: { total_size }, weight_map };
  writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify(index, null, 2));
  return total_size;
}

function pick(table, key, what) {
  if (Object.hasOwn(table, key)) return table[key];
  throw new Error(`Unknown ${what} ${key}: expected ${Object.keys(table).join(', ')}`);
}

/** @returns bytes of weights written */
export function makeShapeTrue(dir, options = {}) {
  const { size: sizeName = '0.5b', layout = 'lmms-lab', dtype = 'bf16' } = options;
  const names = pick(LAYOUTS, layout, 'layout');
  const published = pick(SIZES, sizeName, 'size');
  const size = {
    ...published,
    layers: options.layers ?? published.layers,
    rows: published.rows + (names.extraRows ?? 0),
  };
  const { config } = pick(DTYPES, dtype, 'dtype');
  mkdirSync(dir, { recursive: true });
  writeTokenizer(dir);
  writeConfigs(dir, { size, layout, dtype: config });
  return writeWeights(dir, [...tensors(size, names)], { dtype, blocks: makeBlocks(dtype) });
}

if (process.argv[1] === import.meta.filename) {
  const { values, positionals } = scriptArgs(import.meta.filename, {
    allowPositionals: true,
    options: {
      size: { type: 'string' },
      layout: { type: 'string' },
      dtype: { type: 'string' },
      layers: { type: 'string' },
    },
  });
  if (positionals.length !== 1) {
    console.error(
      'usage: node bench/make-shape-true.mjs DIR [--size 0.5b|7b|72b] [--layers N]\n' +
        '         [--layout lmms-lab|llava-hf|in-memory|qwen2] [--dtype bf16|f16|f32]',
    );
    process.exit(2);
  }
  const layers = values.layers && Number(values.layers);
  const bytes = makeShapeTrue(positionals[0], { ...values, layers });
  console.log(`${positionals[0]}: ${(bytes / 1e9).toFixed(2)} GB`);
}
