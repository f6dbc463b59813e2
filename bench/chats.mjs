// Tokens per second of several chats at once on one model, in sum, to those of one chat, by CPU time: rounds of 1, 2, 4 and 8
// take turns, so that a busy machine slows all. Every step decodes one token of each chat; it is an error if it does not.
//
//   npm run bench:chats -- MODEL.gguf [--threads 2] [--tokens 24] [--prompt 300] [--rounds 3] [--json]
import { LlavaOneVision } from '../dist/src/index.js';
import { scriptArgs } from '../scripts/script-args.mjs';
import { SPECIAL_IDS } from './make-shape-true.mjs';

const { values: options, positionals } = scriptArgs(import.meta.filename, {
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' },
    tokens: { type: 'string', default: '24' },
    prompt: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const COUNTS = [1, 2, 4, 8];
const nTokens = Number(options.tokens);
/** Random weights answer anything; with the stop ids banned, at full length. */
const logitBias = Object.fromEntries(SPECIAL_IDS.map((id) => [id, Number.NEGATIVE_INFINITY]));

const model = await LlavaOneVision.load({
  model: positionals[0],
  threads: Number(options.threads),
  contextSize: 8192,
  prefixCache: false,
});

/** Measures from where all have their first token. @returns ms of CPU time a token */
async function round(count) {
  const streams = Array.from({ length: count }, (_, i) => {
    const digits = Array.from({ length: Number(options.prompt) }, (_, n) => (n * (i + 3)) % 10);
    return model.chat([{ role: 'user', content: digits.join('') }], {
      ...{ maxTokens: 2 * nTokens + 16, temperature: 0, logitBias },
    });
  });
  let read = 0;
  let hasBegun = 0;
  const readers = streams.map(async (stream) => {
    let isFirst = true;
    for await (const _ of stream) {
      if (isFirst) hasBegun++;
      isFirst = false;
      read++;
      if (goal && read >= goal) break;
    }
  });
  let goal;
  const until = async (isTrue) => {
    while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await until(() => hasBegun === count);
  const { running } = model.stats();
  if (running !== count) throw new Error(`${running} of ${count} chats are under way`);
  const [began, first] = [process.cpuUsage(), read];
  goal = first + count * nTokens;
  await until(() => read >= goal);
  const { user, system } = process.cpuUsage(began);
  const ms = (user + system) / 1000 / (read - first);
  await Promise.all(readers);
  return ms;
}

const best = new Map();
for (let i = 0; i <= Number(options.rounds); i++)
  for (const count of COUNTS) {
    const ms = await round(count);
    // The first round reads the file.
    if (i > 0) best.set(count, Math.min(ms, best.get(count) ?? ms));
  }
await model.dispose();

const results = COUNTS.map((count) => ({
  chats: count,
  msPerToken: best.get(count),
  ratio: best.get(1) / best.get(count),
}));
if (options.json) console.log(JSON.stringify(results));
else
  for (const { chats, msPerToken, ratio } of results)
    console.log(
      `${chats} chats: ${msPerToken.toFixed(1)} ms a token, ${ratio.toFixed(2)} times one`,
    );
