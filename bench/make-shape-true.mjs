// Writes a checkpoint with the shapes of a published LLaVA-OneVision and random weights, in the lmms-lab
// layout, so that speed and memory can be measured without a download. Its answers mean nothing.
//
//   node bench/make-shape-true.mjs DIR [--size 0.5b|7b] [--layers N]
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const SIZES = {
  // spec: hidden, ffn, layers, query heads, KV heads, rows of the embedding, tied head
  '0.5b': { hidden: 896, ffn: 4864, layers: 24, heads: 14, kvHeads: 2, rows: 151936, tied: true },
  '7b': { hidden: 3584, ffn: 18944, layers: 28, heads: 28, kvHeads: 4, rows: 152064, tied: false },
};
const TOWER = { width: 1152, ffn: 4304, layers: 26, image: 384, patch: 14 };
const BASE_VOCABULARY = 151643;
const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<image>'];
/** Ids that would end an answer. */
export const SPECIAL_IDS = SPECIAL.map((_, i) => BASE_VOCABULARY + i);
// spec: the published tokenizer's pattern, by which converters recognise it
const QWEN2_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const SHARD_BYTES = 4e9;

/** Name, shape and kind ('random', 'one', 'zero') of every tensor of layout A. */
function* tensors(size, layers) {
  const { hidden, ffn, heads, kvHeads, rows, tied } = size;
  const headWidth = hidden / heads;
  yield ['model.embed_tokens.weight', [rows, hidden], 'random'];
  for (let i = 0; i < layers; i++) {
    const block = `model.layers.${i}`;
    yield [`${block}.input_layernorm.weight`, [hidden], 'one'];
    yield [`${block}.post_attention_layernorm.weight`, [hidden], 'one'];
    for (const [name, out] of [
      ['q', hidden],
      ['k', kvHeads * headWidth],
      ['v', kvHeads * headWidth],
    ]) {
      yield [`${block}.self_attn.${name}_proj.weight`, [out, hidden], 'random'];
      yield [`${block}.self_attn.${name}_proj.bias`, [out], 'zero'];
    }
    yield [`${block}.self_attn.o_proj.weight`, [hidden, hidden], 'random'];
    yield [`${block}.mlp.gate_proj.weight`, [ffn, hidden], 'random'];
    yield [`${block}.mlp.up_proj.weight`, [ffn, hidden], 'random'];
    yield [`${block}.mlp.down_proj.weight`, [hidden, ffn], 'random'];
  }
  yield ['model.norm.weight', [hidden], 'one'];
  if (!tied) yield ['lm_head.weight', [rows, hidden], 'random'];
  yield* towerTensors();
  yield ['model.mm_projector.0.weight', [hidden, TOWER.width], 'random'];
  yield ['model.mm_projector.0.bias', [hidden], 'zero'];
  yield ['model.mm_projector.2.weight', [hidden, hidden], 'random'];
  yield ['model.mm_projector.2.bias', [hidden], 'zero'];
  yield ['model.image_newline', [hidden], 'random'];
}

function* towerTensors() {
  const { width, ffn, layers, image, patch } = TOWER;
  const root = 'model.vision_tower.vision_tower.vision_model';
  yield [`${root}.embeddings.patch_embedding.weight`, [width, 3, patch, patch], 'random'];
  yield [`${root}.embeddings.patch_embedding.bias`, [width], 'zero'];
  yield [
    `${root}.embeddings.position_embedding.weight`,
    [Math.floor(image / patch) ** 2, width],
    'random',
  ];
  for (let i = 0; i < layers; i++) {
    const block = `${root}.encoder.layers.${i}`;
    for (const norm of ['layer_norm1', 'layer_norm2']) {
      yield [`${block}.${norm}.weight`, [width], 'one'];
      yield [`${block}.${norm}.bias`, [width], 'zero'];
    }
    for (const name of ['q', 'k', 'v', 'out']) {
      yield [`${block}.self_attn.${name}_proj.weight`, [width, width], 'random'];
      yield [`${block}.self_attn.${name}_proj.bias`, [width], 'zero'];
    }
    yield [`${block}.mlp.fc1.weight`, [ffn, width], 'random'];
    yield [`${block}.mlp.fc1.bias`, [ffn], 'zero'];
    yield [`${block}.mlp.fc2.weight`, [width, ffn], 'random'];
    yield [`${block}.mlp.fc2.bias`, [width], 'zero'];
  }
}

/** bf16 values: normal with deviation 0.02 (from a repeating block: writing speed counts, not statistics). */
function makeBlocks() {
  const n = 1 << 22;
  const random = new Uint16Array(n);
  const view = new Float32Array(1);
  const bits = new Uint32Array(view.buffer);
  let state = 42;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
  for (let i = 0; i < n; i++) {
    view[0] = 0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    random[i] = bits[0] >>> 16;
  }
  return {
    random: Buffer.from(random.buffer),
    one: Buffer.from(new Uint16Array(n).fill(0x3f80).buffer),
    zero: Buffer.alloc(n * 2),
  };
}

const bytesOf = (shape) => 2 * shape.reduce((a, b) => a * b, 1);

function writeShard(path, list, blocks) {
  const header = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, shape] of list) {
    header[name] = { dtype: 'BF16', shape, data_offsets: [end, end + bytesOf(shape)] };
    end += bytesOf(shape);
  }
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(path, 'w');
  writeSync(file, length);
  writeSync(file, json);
  for (const [, shape, kind] of list) {
    for (let left = bytesOf(shape); left > 0; ) {
      const piece = blocks[kind].subarray(0, Math.min(left, blocks[kind].length));
      left -= writeSync(file, piece);
    }
  }
  closeSync(file);
  return end;
}

function writeWeights(dir, all, blocks) {
  const shards = [[]];
  let bytes = 0;
  for (const tensor of all) {
    if (bytes + bytesOf(tensor[1]) > SHARD_BYTES && bytes > 0) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1).push(tensor);
    bytes += bytesOf(tensor[1]);
  }
  if (shards.length === 1) return writeShard(join(dir, 'model.safetensors'), shards[0], blocks);
  const total = String(shards.length).padStart(5, '0');
  const weight_map = {};
  let total_size = 0;
  shards.forEach((list, i) => {
    const name = `model-${String(i + 1).padStart(5, '0')}-of-${total}.safetensors`;
    total_size += writeShard(join(dir, name), list, blocks);
    for (const [tensor] of list) weight_map[tensor] = name;
  });
  const index = { metadata: { total_size }, weight_map };
  writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify(index, null, 2));
  return total_size;
}

/** GPT-2's byte to character table: printable bytes stand for themselves. */
function byteCharacters() {
  const printable = (b) =>
    (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
}

/** As many entries as the published vocabulary has: bytes, then pairs, then triples. */
function writeTokenizer(dir) {
  const bytes = byteCharacters();
  const vocab = Object.fromEntries(bytes.map((c, i) => [c, i]));
  const merges = [];
  const add = (left, right) => {
    if (256 + merges.length >= BASE_VOCABULARY) return;
    vocab[left + right] = 256 + merges.length;
    merges.push(`${left} ${right}`);
  };
  for (const a of bytes) for (const b of bytes) add(a, b);
  outer: for (const a of bytes) {
    for (const b of bytes) {
      for (const c of bytes) add(a + b, c);
      if (256 + merges.length >= BASE_VOCABULARY) break outer;
    }
  }
  const added_tokens = SPECIAL.map((content, i) => ({
    id: SPECIAL_IDS[i],
    content,
    special: true,
  }));
  writeFileSync(
    join(dir, 'tokenizer.json'),
    JSON.stringify({
      version: '1.0',
      added_tokens,
      pre_tokenizer: { type: 'Split', pattern: { Regex: QWEN2_SPLIT } },
      model: { type: 'BPE', vocab, merges },
    }),
  );
}

function writeConfigs(dir, size, layers) {
  const pinpoints = [1, 2, 3, 4, 5, 6].flatMap((a) =>
    [1, 2, 3, 4, 5, 6].map((b) => [TOWER.image * a, TOWER.image * b]),
  );
  const [bos, , eos] = SPECIAL_IDS;
  const write = (name, value) => writeFileSync(join(dir, name), JSON.stringify(value, null, 2));
  write('config.json', {
    architectures: ['LlavaQwenForCausalLM'],
    model_type: 'llava',
    hidden_size: size.hidden,
    intermediate_size: size.ffn,
    num_hidden_layers: layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.kvHeads,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
    max_position_embeddings: 32768,
    rope_theta: 1000000,
    vocab_size: size.rows,
    tie_word_embeddings: size.tied,
    bos_token_id: bos,
    eos_token_id: eos,
    image_aspect_ratio: 'anyres_max_9',
    image_grid_pinpoints: pinpoints,
    mm_hidden_size: TOWER.width,
    mm_patch_merge_type: 'spatial_unpad',
    mm_newline_position: 'one_token',
    mm_spatial_pool_mode: 'bilinear',
    mm_projector_type: 'mlp2x_gelu',
    mm_vision_tower: 'google/siglip-so400m-patch14-384',
    torch_dtype: 'bfloat16',
  });
  write('generation_config.json', { eos_token_id: [eos, bos], pad_token_id: bos });
  write('preprocessor_config.json', {
    image_processor_type: 'SiglipImageProcessor',
    size: { height: TOWER.image, width: TOWER.image },
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
    resample: 3,
  });
  write('tokenizer_config.json', { tokenizer_class: 'Qwen2Tokenizer', eos_token: '<|im_end|>' });
}

/** @returns bytes of weights written */
export function makeShapeTrue(dir, sizeName = '0.5b', layers = undefined) {
  const size = SIZES[sizeName];
  if (!size)
    throw new Error(`Unknown size ${sizeName}: expected ${Object.keys(SIZES).join(' or ')}`);
  mkdirSync(dir, { recursive: true });
  const depth = layers ?? size.layers;
  writeTokenizer(dir);
  writeConfigs(dir, size, depth);
  return writeWeights(dir, [...tensors(size, depth)], makeBlocks());
}

if (process.argv[1] === import.meta.filename) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { size: { type: 'string', default: '0.5b' }, layers: { type: 'string' } },
  });
  if (positionals.length !== 1) {
    console.error('usage: node bench/make-shape-true.mjs DIR [--size 0.5b|7b] [--layers N]');
    process.exit(2);
  }
  const bytes = makeShapeTrue(positionals[0], values.size, values.layers && Number(values.layers));
  console.log(`${positionals[0]}: ${(bytes / 1e9).toFixed(2)} GB`);
}
