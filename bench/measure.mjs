// Measures one pair of files in this process and prints one JSON object: run as a child, so that the peak memory
// is that of these files alone. The picture gives an overview and one tile; prompt and answer have fixed lengths.
//
//   node bench/measure.mjs MODEL MMPROJ THREADS PROMPT_TOKENS ANSWER_TOKENS [auto|ggml]
import { LlavaOneVision } from '../dist/src/index.js';
import { SPECIAL_IDS } from './make-shape-true.mjs';

const [model, mmproj, threads, promptTokens, answerTokens, kernels] = process.argv.slice(2);
const SIDE = 384;

const started = performance.now();
const llava = await LlavaOneVision.load({
  model,
  mmproj,
  threads: Number(threads),
  kernels,
  contextSize: 4096,
  prefixCache: false,
  visualCacheBytes: 0,
});
const loadMs = performance.now() - started;

/** Different for each seed. */
function picture(seed) {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + ((i * seed) >> 5)) & 255;
  return { width: SIDE, height: SIDE, data };
}

async function see(seed) {
  const content = [{ type: 'image', image: picture(seed) }];
  const [rendered] = (await llava.render([{ role: 'user', content }])).media;
  const result = await llava.chat([{ role: 'user', content }], { maxTokens: 1 }).result;
  return { rows: rendered.rows, timings: result.timings };
}

/** Random weights answer anything; with the stop ids banned, at full length. */
const logitBias = Object.fromEntries(SPECIAL_IDS.map((id) => [id, Number.NEGATIVE_INFINITY]));

async function talk() {
  const text = Array.from({ length: Number(promptTokens) }, (_, i) => (i * 7919) % 10).join('');
  const options = { maxTokens: Number(answerTokens), temperature: 0, logitBias };
  const result = await llava.chat([{ role: 'user', content: text }], options).result;
  const { usage, timings } = result;
  return {
    prefill: (1000 * usage.promptTokens) / timings.prefillMs,
    // the first token comes out of the prefill
    generate: (1000 * (usage.completionTokens - 1)) / timings.generateMs,
    promptTokens: usage.promptTokens,
    completionTokens: usage.completionTokens,
  };
}

await see(1);
const seen = await see(2);
await talk();
const said = await talk();
const peakMemory = process.resourceUsage().maxRSS * 1024;
await llava.dispose();
process.stdout.write(
  JSON.stringify({
    loadMs,
    tileMs: seen.timings.encodeMs / 2,
    imageRows: seen.rows,
    ...said,
    peakMemory,
  }),
);
