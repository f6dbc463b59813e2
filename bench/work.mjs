// What a stage has to do, from the files' headers: operations of its products by kind, and bytes that
// it reads. With the machine's limits it is the least time that the stage can take.
import { readGguf } from '../dist/src/gguf/reader.js';
import { readVisionConfig } from '../dist/src/vision/vision-config.js';

/** Several chats at once: tokens of each one's prompt and answer. */
export const CHATS = { prompt: 128, answer: 64 };

const kindOf = (type) => (['f32', 'f16', 'bf16'].includes(type) ? type : 'quantised');

const isMatrix = ({ shape }) => shape.length > 1 && shape[1] > 1;
const elements = ({ shape }) => shape.reduce((a, b) => a * b, 1);
const sum = (items, of) => items.reduce((total, item) => total + of(item), 0);

/** Operations by kind of weights: { quantised: 1.2e12, f32: … } */
function products(tensors, rows) {
  let work = {};
  for (const tensor of tensors.filter(isMatrix)) {
    work = add(work, kindOf(tensor.type), 2 * rows * elements(tensor));
  }
  return work;
}

const add = (work, kind, operations) => ({ ...work, [kind]: (work[kind] ?? 0) + operations });

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
  return add(products(used, patches), isFloat ? 'f32' : 'attention', attention);
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
  return add(products(blocks, rows), 'attention', 4 * rows * (rows / 2) * width * layers);
}

/** Bytes that a token reads after `depth` others: every weight, and an f16 cache of keys and values. */
export async function tokenBytes(model, depth) {
  const { layers, kvWidth, blocks, head } = await decoder(model);
  return sum([...blocks, head], ({ bytes }) => bytes) + 2 * 2 * depth * kvWidth * layers;
}

/** A second of each kind by the unit that does it: with AMX halves are pieces of bf16, else words, and bytes have a unit of their own. */
function rates({ f32, int16, int8, bf16, read }) {
  const words = int16 ?? f32;
  if (!bf16) return { f32, f16: words, bf16: words, quantised: int8, attention: words, read };
  return { f32, f16: bf16 / 3, bf16: bf16 / 2, quantised: bf16, attention: bf16 / 3, read };
}

/** @returns seconds; undefined where the machine has no such unit */
export function leastTime(work, limits) {
  const rate = rates(limits);
  const times = Object.entries(work).map(([kind, operations]) => operations / rate[kind]);
  const total = sum(times, (time) => time);
  return Number.isFinite(total) && total > 0 ? total : undefined;
}
