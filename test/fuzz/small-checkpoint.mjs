/** A checkpoint of the demonstration's form and tokenizer, but so small, with made-up values, that its files are changed, written
 *  and used in milliseconds. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../../demo/checkpoint/', import.meta.url));
const COPIED = [
  ...['added_tokens.json', 'generation_config.json', 'merges.txt', 'tokenizer.json'],
  ...['tokenizer_config.json', 'vocab.json'],
];
const TILE = 28;
const PATCH = 14;
const TOWER = { width: 72, ffn: 64, nLayer: 2 };

/** @typedef {{ width: number, ffn: number, nHead: number, nHeadKv: number, nLayer: number }} DecoderShape */

/** @param {string} folder to be made @param {DecoderShape} shape */
export function writeSmallCheckpoint(folder, shape) {
  mkdirSync(folder);
  for (const name of COPIED) copyFileSync(join(DEMO, name), join(folder, name));
  const json = (/** @type {string} */ name) => JSON.parse(readFileSync(join(DEMO, name), 'utf8'));
  const config = {
    ...json('config.json'),
    hidden_size: shape.width,
    intermediate_size: shape.ffn,
    num_hidden_layers: shape.nLayer,
    num_attention_heads: shape.nHead,
    num_key_value_heads: shape.nHeadKv,
    mm_hidden_size: TOWER.width,
    image_grid_pinpoints: [1, 2].flatMap((a) => [1, 2].map((b) => [a * TILE, b * TILE])),
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const pictures = {
    ...json('preprocessor_config.json'),
    size: [TILE, TILE],
    crop_size: { height: TILE, width: TILE },
  };
  writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(pictures));
  const tensors = { ...decoderTensors(shape, config.vocab_size), ...towerTensors(shape.width) };
  writeFileSync(join(folder, 'model.safetensors'), safetensors(tensors));
}

/** @param {DecoderShape} shape @param {number} nVocab @returns {Record<string, number[]>} */
function decoderTensors({ width, ffn, nHead, nHeadKv, nLayer }, nVocab) {
  const kv = (width / nHead) * nHeadKv;
  /** @type {Record<string, number[]>} */
  const layer = {
    'input_layernorm.weight': [width],
    'mlp.down_proj.weight': [width, ffn],
    'mlp.gate_proj.weight': [ffn, width],
    'mlp.up_proj.weight': [ffn, width],
    'post_attention_layernorm.weight': [width],
    'self_attn.o_proj.weight': [width, width],
  };
  for (const [name, rows] of Object.entries({ q: width, k: kv, v: kv })) {
    layer[`self_attn.${name}_proj.weight`] = [rows, width];
    layer[`self_attn.${name}_proj.bias`] = [rows];
  }
  return {
    'model.embed_tokens.weight': [nVocab, width],
    'model.image_newline': [width],
    'model.norm.weight': [width],
    ...layers('model.layers', nLayer, layer),
  };
}

/** @param {number} nProjection @returns {Record<string, number[]>} */
function towerTensors(nProjection) {
  const { width, ffn, nLayer } = TOWER;
  /** @type {Record<string, number[]>} */
  const layer = { 'mlp.fc1.weight': [ffn, width], 'mlp.fc1.bias': [ffn] };
  for (const norm of ['layer_norm1', 'layer_norm2', 'mlp.fc2'])
    Object.assign(layer, { [`${norm}.weight`]: [width], [`${norm}.bias`]: [width] });
  layer['mlp.fc2.weight'] = [width, ffn];
  for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
    layer[`self_attn.${name}.weight`] = [width, width];
    layer[`self_attn.${name}.bias`] = [width];
  }
  const tower = 'model.vision_tower.vision_tower.vision_model';
  return {
    'model.mm_projector.0.weight': [nProjection, width],
    'model.mm_projector.0.bias': [nProjection],
    'model.mm_projector.2.weight': [nProjection, nProjection],
    'model.mm_projector.2.bias': [nProjection],
    [`${tower}.embeddings.patch_embedding.weight`]: [width, 3, PATCH, PATCH],
    [`${tower}.embeddings.patch_embedding.bias`]: [width],
    [`${tower}.embeddings.position_embedding.weight`]: [(TILE / PATCH) ** 2, width],
    [`${tower}.post_layernorm.weight`]: [width],
    [`${tower}.post_layernorm.bias`]: [width],
    ...layers(`${tower}.encoder.layers`, nLayer, layer),
  };
}

/** @param {string} prefix @param {number} count @param {Record<string, number[]>} layer */
function layers(prefix, count, layer) {
  const named = Array.from({ length: count }, (_, i) =>
    Object.entries(layer).map(([name, shape]) => [`${prefix}.${i}.${name}`, shape]),
  );
  return Object.fromEntries(named.flat());
}

/** In f32. @param {Record<string, number[]>} tensors of which shapes */
export function safetensors(tensors) {
  /** @type {Record<string, object>} */
  const header = {};
  let end = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const begin = end;
    end += 4 * shape.reduce((a, b) => a * b);
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const values = Float32Array.from({ length: end / 4 }, (_, i) => Math.sin(i) / 20);
  return Buffer.concat([length, text, new Uint8Array(values.buffer)]);
}
