// Measures one pair of files in this process and prints one JSON object: run as a child, so that the peak memory is that of
// these files alone.
//
//   node bench/measure.mjs MODEL MMPROJ THREADS auto|ggml TASK...
//
// Tasks, one after another, each with fresh contents:
//   tile             ms of one tile (the better of two)
//   photo            ms from a 1024×768 picture and a question to the first token, its tiles and rows
//   prefill:N        tokens/s of a prompt of about N tokens
//   generate:N@D     tokens/s of N tokens behind a prompt of about D
//   chats:C          tokens/s in sum of C chats that each generate 64 tokens behind 128
import { LlavaOneVision } from '../dist/src/index.js';
import { SPECIAL_IDS } from './make-shape-true.mjs';
import { CHATS } from './work.mjs';

const [model, mmproj, threads, kernels, ...tasks] = process.argv.slice(2);
const SIDE = 384;
const PHOTO = { width: 1024, height: 768 };
const TEMPLATE_TOKENS = 30; // about as many as a message costs besides its text

const started = performance.now();
const llava = await LlavaOneVision.load({
  model,
  mmproj,
  threads: Number(threads),
  kernels,
  contextSize: 8192,
  prefixCache: false,
  visualCacheBytes: 0,
});
const loadMs = performance.now() - started;

let seed = 0;
/** Different at each call. */
function picture({ width, height }) {
  seed += 1;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + ((i * seed) >> 5)) & 255;
  return { type: 'image', image: { width, height, data } };
}

/** One token a digit. */
function digits(count) {
  seed += 1;
  return Array.from({ length: Math.max(1, count) }, (_, i) => (i * 7919 + seed) % 10).join('');
}

/** Random weights answer anything; with the stop ids banned, at full length. */
const logitBias = Object.fromEntries(SPECIAL_IDS.map((id) => [id, Number.NEGATIVE_INFINITY]));
const chat = (content, maxTokens) =>
  llava.chat([{ role: 'user', content }], { maxTokens, temperature: 0, logitBias });

async function tile() {
  const once = async () => {
    const { timings, media } = await chat([picture({ width: SIDE, height: SIDE })], 1).result;
    return timings.encodeMs / tilesOf(media[0]); // an overview and one tile
  };
  return { tileMs: Math.min(await once(), await once()) };
}

/** The overview included. */
const tilesOf = ({ grid }) => 1 + (grid ? grid.cols * grid.rows : 0);

async function photo() {
  const start = performance.now();
  const content = [picture(PHOTO), { type: 'text', text: 'What is shown in this picture?' }];
  const { usage, media } = await chat(content, 1).result;
  const photoMs = performance.now() - start;
  return { photoMs, photoTiles: tilesOf(media[0]), photoRows: usage.promptTokens };
}

async function prefill(tokens) {
  const { usage, timings } = await chat(digits(tokens - TEMPLATE_TOKENS), 1).result;
  return {
    [`prefill${tokens}`]: (1000 * usage.promptTokens) / timings.prefillMs,
    [`prefill${tokens}Tokens`]: usage.promptTokens,
  };
}

async function generate(spec) {
  const [tokens, depth] = spec.split('@').map(Number);
  const { usage, timings } = await chat(digits(depth - TEMPLATE_TOKENS), tokens).result;
  // the first token comes out of the prefill
  return { [`generate${depth}`]: (1000 * (usage.completionTokens - 1)) / timings.generateMs };
}

/** From the last chat's first token to the first chat's last. */
async function chats(count) {
  const one = async () => {
    const times = [];
    const stream = chat(digits(CHATS.prompt - TEMPLATE_TOKENS), CHATS.answer);
    for await (const _ of stream) times.push(performance.now());
    return times;
  };
  const all = await Promise.all(Array.from({ length: count }, one));
  const start = Math.max(...all.map((times) => times[0]));
  const end = Math.min(...all.map((times) => times.at(-1)));
  const between = all.flat().filter((time) => time > start && time <= end).length;
  return { [`chats${count}`]: (1000 * between) / (end - start) };
}

const TASKS = { tile, photo, prefill, generate, chats };

// Everything once: weights read, graphs built.
const seesPictures = tasks.some((task) => task === 'tile' || task === 'photo');
await chat(seesPictures ? [picture({ width: SIDE, height: SIDE })] : digits(64), 2).result;
const result = { loadMs };
for (const task of tasks) {
  const [name, argument] = task.split(':');
  const isNumber = argument !== undefined && !argument.includes('@');
  Object.assign(result, await TASKS[name](isNumber ? Number(argument) : argument));
}
result.peakMemory = process.resourceUsage().maxRSS * 1024;
await llava.dispose();
process.stdout.write(JSON.stringify(result));
