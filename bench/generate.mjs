// Tokens per second of some models that generate at once in this process, as one JSON object; for busy.mjs.
//
//   node bench/generate.mjs MODEL COUNT THREADS TOKENS
import { LlavaOneVision } from '../dist/src/index.js';
import { SPECIAL_IDS } from './make-shape-true.mjs';

const [model, count, threads, tokens] = process.argv.slice(2);
const models = [];
for (let i = 0; i < Number(count); i++)
  models.push(
    await LlavaOneVision.load({
      model,
      threads: Number(threads),
      contextSize: 1024,
      prefixCache: false,
    }),
  );

/** Random weights answer anything; with the stop ids banned, at full length. */
const logitBias = Object.fromEntries(SPECIAL_IDS.map((id) => [id, Number.NEGATIVE_INFINITY]));
const answer = (llava, maxTokens) =>
  llava.chat([{ role: 'user', content: 'Hello' }], { maxTokens, temperature: 0, logitBias }).result;

await Promise.all(models.map((llava) => answer(llava, 8)));
const start = performance.now();
const results = await Promise.all(models.map((llava) => answer(llava, Number(tokens))));
const seconds = (performance.now() - start) / 1000;
for (const llava of models) await llava.dispose();
const total = results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
process.stdout.write(JSON.stringify({ tokensPerSecond: total / seconds }));
