// Time to the first token of the first and of the second question about the same 1024×768 picture, in one session, on
// shape-true random files (bench.mjs makes them). Read the ratio; absolute times depend on the machine.
//
//   node bench/second-question.mjs [--dir DIR] [--types f16,q8_0] [--threads N] [--runs 3] [--json]
import { join } from 'node:path';
import { LlavaOneVision } from '../dist/src/index.js';
import { scriptArgs } from '../scripts/script-args.mjs';

const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    dir: { type: 'string', default: join(import.meta.dirname, '../models/bench') },
    types: { type: 'string', default: 'f16,q8_0' },
    threads: { type: 'string' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const QUESTIONS = ['What is shown in this image?', 'What colour is the largest thing in it?'];
const ANSWER_TOKENS = 16;
const TARGET = 1 / 20;

/** Another picture each time, so that no cache knows it. */
function picture(seed) {
  const [width, height] = [1024, 768];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * (seed + 7)) >> 8);
  return { type: 'image', image: { width, height, data } };
}

async function ask(session, content) {
  const start = performance.now();
  const stream = session.chat(content, { temperature: 0, maxTokens: ANSWER_TOKENS });
  let firstTokenMs;
  for await (const _ of stream) firstTokenMs ??= performance.now() - start;
  const { usage, media, timings } = await stream.result;
  return { firstTokenMs, ...usage, cached: media[0].cached, timings };
}

async function measure(type) {
  const files = {
    model: join(options.dir, `shape-true-${type}.gguf`),
    mmproj: join(options.dir, `mmproj-shape-true-${type}.gguf`),
  };
  const threads = options.threads ? { threads: Number(options.threads) } : {};
  const model = await LlavaOneVision.load({ ...files, ...threads, visualCacheBytes: 0 });
  const runs = [];
  for (let run = 0; run < Number(options.runs); run++) {
    const session = model.session();
    const first = await ask(session, [picture(run), { type: 'text', text: QUESTIONS[0] }]);
    const second = await ask(session, QUESTIONS[1]);
    if (!second.cached) throw new Error('The second question encoded the picture again');
    runs.push({ first, second, ratio: second.firstTokenMs / first.firstTokenMs });
  }
  await model.dispose();
  runs.sort((a, b) => a.ratio - b.ratio);
  return { type, ...runs[runs.length >> 1] };
}

const rows = [];
for (const type of options.types.split(',')) rows.push(await measure(type));
if (options.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
else
  for (const { type, first, second, ratio } of rows) {
    const verdict = ratio <= TARGET ? 'at most 1/20' : 'MORE THAN 1/20';
    process.stdout.write(
      `${type.padEnd(5)} first ${first.firstTokenMs.toFixed(0)} ms (${first.promptTokens} positions), ` +
        `second ${second.firstTokenMs.toFixed(0)} ms (${second.cachedTokens} of ${second.promptTokens} cached): ` +
        `1/${(1 / ratio).toFixed(0)}, ${verdict}\n`,
    );
  }
