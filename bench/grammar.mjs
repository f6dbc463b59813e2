// What a grammar adds to a step: the median time between two tokens with a response format and without one, in short turns.
// Weights are random, so nearly every choice of the model is refused and the whole vocabulary is asked about: the worst case.
//
//   npm run bench:grammar -- MODEL.gguf [--threads N] [--runs 12] [--tokens 16] [--json]
import { LlavaOneVision } from '../dist/src/index.js';
import { scriptArgs } from '../scripts/script-args.mjs';

const { values: options, positionals } = scriptArgs(import.meta.filename, {
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' },
    runs: { type: 'string', default: '12' },
    tokens: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false },
  },
});

const SCHEMA = {
  type: 'object',
  properties: {
    number: { type: 'string', maxLength: 40 },
    lines: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          text: { type: 'string', minLength: 20 },
          cents: { type: 'integer', minimum: 0, maximum: 999_999 },
          kind: { enum: ['goods', 'work', 'tax'] },
        },
        required: ['text', 'cents', 'kind'],
        additionalProperties: false,
      },
    },
  },
  required: ['number', 'lines'],
  additionalProperties: false,
};
const FORMATS = {
  free: {},
  schema: { responseFormat: { type: 'json_schema', schema: SCHEMA } },
  object: { responseFormat: { type: 'json_schema', schema: { type: 'object', minProperties: 1 } } },
  digits: { responseFormat: { type: 'grammar', grammar: 'root ::= [0-9]{200}' } },
};

const model = await LlavaOneVision.load({
  model: positionals[0],
  threads: Number(options.threads),
  contextSize: 2048,
});

/** Times between tokens in ms, without the first, which reads the prompt. */
async function steps(format, seed) {
  const times = [];
  let last = 0;
  const chat = model.chat([{ role: 'user', content: 'Read the invoice.' }], {
    ...format,
    ...{ temperature: 1, topK: 0, topP: 1, seed, maxTokens: Number(options.tokens) },
  });
  for await (const _ of chat) {
    const now = performance.now();
    if (last) times.push(now - last);
    last = now;
  }
  return times;
}

const times = Object.fromEntries(Object.keys(FORMATS).map((name) => [name, []]));
for (let run = 0; run < Number(options.runs); run++) {
  for (const [name, format] of Object.entries(FORMATS)) {
    times[name].push(...(await steps(format, run)));
  }
}
await model.dispose();

const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const medians = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
if (options.json) console.log(JSON.stringify(medians));
else {
  for (const [name, ms] of Object.entries(medians)) {
    console.log(
      `${name.padEnd(7)} ${ms.toFixed(1)} ms, ${(ms / medians.free).toFixed(3)} times free, ${times[name].length} steps`,
    );
  }
}
