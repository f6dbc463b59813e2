// What a kept beginning of some thousand positions costs an unrelated chat, and how fast it comes back: in the context
// (prefixCacheBytes 0) against parked in memory, side by side. Random weights do (bench.mjs makes them). Read the ratios.
//
//   node bench/kept-prefixes.mjs --model FILE [--positions 3500] [--tokens 48] [--runs 3] [--threads N] [--json]
import { LlavaOneVision } from '../dist/src/index.js';
import { scriptArgs } from '../scripts/script-args.mjs';

const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    model: { type: 'string' },
    positions: { type: 'string', default: '3500' },
    tokens: { type: 'string', default: '48' },
    runs: { type: 'string', default: '3' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
if (!options.model) throw new Error('--model FILE is missing');

const WORD = 'word ';
async function longText(model) {
  const { rows } = await model.render([{ role: 'user', content: WORD.repeat(1000) }]);
  return WORD.repeat((1000 * Number(options.positions)) / rows);
}

const ask = (model, content, maxTokens) =>
  model.chat([{ role: 'user', content }], { temperature: 0, maxTokens }).result;

async function measure(model, run) {
  const long = `${run} ${await longText(model)}`;
  const alone = await ask(model, `${run} alone`, Number(options.tokens));
  const first = await ask(model, long, 1);
  const beside = await ask(model, `${run} beside`, Number(options.tokens));
  const again = await ask(model, `${long}again`, 1);
  const speed = ({ usage, timings }) => (usage.completionTokens - 1) / (timings.generateMs / 1000);
  const firstToken = ({ timings }) => timings.queueMs + timings.prefillMs;
  return {
    besideToAlone: speed(beside) / speed(alone),
    againToFirst: firstToken(again) / firstToken(first),
    againMs: firstToken(again),
  };
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const threads = options.threads ? { threads: Number(options.threads) } : {};
const kinds = { 'in the context': 0, parked: 512 * 2 ** 20 };
const results = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
for (let run = 0; run < Number(options.runs); run++) {
  for (const [name, prefixCacheBytes] of Object.entries(kinds)) {
    const load = { model: options.model, contextSize: 8192, prefixCacheBytes, ...threads };
    const model = await LlavaOneVision.load(load);
    results[name].push(await measure(model, run));
    await model.dispose();
  }
}
const rows = Object.entries(results).map(([kept, runs]) => {
  const figure = (key) => Number(median(runs.map((run) => run[key])).toPrecision(3));
  const keys = ['besideToAlone', 'againToFirst', 'againMs'];
  return { kept, ...Object.fromEntries(keys.map((key) => [key, figure(key)])) };
});
if (options.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
else console.table(rows);
