// What each type costs in accuracy, on the demo checkpoint: size, KL divergence of the first token's distribution from
// f32's, and how often the greedy answer is the same. First the decoder's types (with an f32 mmproj), then the mmproj's
// (with an f32 decoder). Questions are lines of JSON with "images", "question" and "task"; pictures lie beside them.
//
//   node bench/outtypes.mjs --questions DIR [--types q8_0,q4_k_m] [--mmproj-types q8_0,q4_0] [--limit N]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { convert, LlavaOneVision } from '../dist/src/index.js';

const { values } = parseArgs({
  options: {
    questions: { type: 'string' },
    types: { type: 'string', default: 'f16,bf16,q8_0,q6_k,q5_k_m,q4_k_m,q4_0,iq4_xs,q3_k_m,q2_k' },
    'mmproj-types': { type: 'string', default: 'f16,bf16,q8_0,q4_0' },
    limit: { type: 'string', default: '1000000' },
  },
});
const checkpoint = join(import.meta.dirname, '../demo/checkpoint');
const folder = values.questions;
const questions = readFileSync(join(folder, 'questions.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter(({ images }) => images)
  .filter((_, i, { length }) => i % Math.ceil(length / Number(values.limit)) === 0);
const outdir = mkdtempSync(join(tmpdir(), 'outtypes-'));

async function answersOf(outtype, mmprojOuttype) {
  const files = await convert({ checkpoint, outdir, name: 'demo', outtype, mmprojOuttype });
  const paths = { model: files.model.path, mmproj: files.mmproj.path };
  const model = await LlavaOneVision.load({
    ...paths,
    contextSize: 8192,
    kvType: 'f32',
    threads: 1,
  });
  const answers = [];
  for (const { images, question } of questions) {
    const content = [
      ...images.map((image) => ({ type: 'image', image: join(folder, image) })),
      { type: 'text', text: question },
    ];
    const stream = model.chat([{ role: 'user', content }], {
      temperature: 0,
      maxTokens: 40,
      topLogprobs: 20,
    });
    let first;
    for await (const chunk of stream) first ??= chunk.top;
    answers.push({ text: (await stream.result).text, first });
  }
  await model.dispose();
  return { answers, files };
}

/** Over the tokens that both list; the demo's first 20 hold nearly all probability. */
function divergence(original, other) {
  const logprobs = new Map(other.map(({ token, logprob }) => [token, logprob]));
  return original
    .filter(({ token }) => logprobs.has(token))
    .reduce(
      (sum, { token, logprob }) => sum + Math.exp(logprob) * (logprob - logprobs.get(token)),
      0,
    );
}

const original = await answersOf('f32', 'f32');
console.log(`${questions.length} questions\n`);
console.log('| decoder | mmproj | MB | KL divergence | same answer |\n|---|---|---|---|---|');
const pairs = [
  ...values.types.split(',').map((type) => [type, 'f32', 'model']),
  ...values['mmproj-types'].split(',').map((type) => ['f32', type, 'mmproj']),
];
for (const [outtype, mmprojOuttype, part] of pairs) {
  const { answers, files } = await answersOf(outtype, mmprojOuttype);
  const same = answers.filter(({ text }, i) => text === original.answers[i].text).length;
  const kl = answers.reduce(
    (sum, { first }, i) => sum + divergence(original.answers[i].first, first),
    0,
  );
  const share = ((100 * same) / answers.length).toFixed(1);
  console.log(
    `| ${outtype} | ${mmprojOuttype} | ${(files[part].bytes / 1e6).toFixed(2)} | ${(kl / answers.length).toExponential(1)} | ${share} % |`,
  );
}
rmSync(outdir, { recursive: true });
