// What a stage has to do, from the files' headers: operations of its products, with the unit that does them, and bytes that
// it reads. With the machine's limits it is the least time that the stage can take.
import { readGguf } from '../dist/src/gguf/reader.js';
import { readVisionConfig } from '../dist/src/vision/vision-config.js';

/** Several chats at once: tokens of each one's prompt and answer. */
export const CHATS = { prompt: 128, answer: 64 };

/** The unit for products of many rows: what is quantised is multiplied as bytes, halves as words. */
const UNIT = { f32: 'f32', f16: 'int16', bf16: 'int16' };
const unitOf = (type) => UNIT[type] ?? 'int8';

const isMatrix = ({ shape }) => shape.length > 1 && shape[1] > 1;
const elements = ({ shape }) => shape.reduce((a, b) => a * b, 1);
const sum = (items, of) => items.reduce((total, item) => total + of(item), 0);

/** Operations by unit: { int8: 1.2e12, f32: … } */
function products(tensors, rows) {
  const work = {};
  for (const tensor of tensors.filter(isMatrix)) {
    const unit = unitOf(tensor.type);
    work[unit] = (work[unit] ?? 0) + 2 * rows * elements(tensor);
  }
  return work;
}

const add = (work, unit, operations) => ({ ...work, [unit]: (work[unit] ?? 0) + operations });

export async function tileWork(mmproj) {
  const config = await readVisionConfig(mmproj);
  const { tensors } = await readGguf(mmproj);
  const patches = (config.imageSize / config.patchSize) ** 2;
  const used = tensors.filter(({ name }) => {
    const block = /^v\.blk\.(\d+)\./.exec(name);
    return !name.includes('position') && (!block || Number(block[1]) < config.nLayer);
  });
  const isFloat = tensors.every(({ type, shape }) => shape.length < 2 || type === 'f32');
  // scores and values
  const attention = 4 * patches ** 2 * config.nEmbd * config.nLayer;
  return add(products(used, patches), isFloat ? 'f32' : 'int16', attention);
}

async function decoder(model) {
  const { tensors, metadata } = await readGguf(model);
  const key = (name) => Number(metadata.get(`qwen2.${name}`));
  const layers = key('block_count');
  const width = key('embedding_length');
  const kvWidth = (width / key('attention.head_count')) * key('attention.head_count_kv');
  const isTied = !tensors.some(({ name }) => name === 'output.weight');
  const head = tensors.find(
    ({ name }) => name === (isTied ? 'token_embd.weight' : 'output.weight'),
  );
  const blocks = tensors.filter(({ name }) => name.startsWith('blk.'));
  return { layers, width, kvWidth, blocks, head };
}

/** A prompt of `rows`, of which one asks for logits. Attention looks half way back, on average, in a cache of f16. */
export async function prefillWork(model, rows) {
  const { layers, width, blocks } = await decoder(model);
  return add(products(blocks, rows), 'int16', 4 * rows * (rows / 2) * width * layers);
}

/** Bytes that a token reads after `depth` others: every weight, and an f16 cache of keys and values. */
export async function tokenBytes(model, depth) {
  const { layers, kvWidth, blocks, head } = await decoder(model);
  return sum([...blocks, head], ({ bytes }) => bytes) + 2 * 2 * depth * kvWidth * layers;
}

/** @returns seconds; undefined where the machine has no such unit */
export function leastTime(work, limits) {
  const times = Object.entries(work).map(([unit, operations]) => operations / limits[unit]);
  const total = sum(times, (time) => time);
  return Number.isFinite(total) && total > 0 ? total : undefined;
}
