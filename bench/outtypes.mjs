// What each type costs, against f32 for accuracy and f16 for speed. Accuracy on the demo checkpoint: relative error of the
// visual rows, KL divergence of the first token's distribution, and how often the greedy answer is the same. Size and
// speed on files of the 0.5B model's shapes with random weights. First the decoder's types (with an f32 mmproj), then the
// mmproj's (with an f32 decoder), then pairs.
//
//   node bench/outtypes.mjs [--types q8_0,q4_k_m] [--mmproj-types q8_0,q4_0] [--pairs q4_k_m+q8_0] [--limit N]
//                           [--checkpoint DIR] [--dir DIR] [--threads N] [--runs 3] [--no-speed] [--no-accuracy]
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convert, LlavaOneVision } from '../dist/src/index.js';
import { scriptArgs } from '../scripts/script-args.mjs';
import { makeShapeTrue, SPECIAL_IDS } from './make-shape-true.mjs';

const ROOT = join(import.meta.dirname, '..');
const AT_ONCE = 8;
/** Of the questions, one in so many has its visual rows compared. */
const ROWS_STEP = 10;
const PROMPT_DIGITS = 256;
const ANSWER_TOKENS = 32;

const { values } = scriptArgs(import.meta.filename, {
  allowNegative: true,
  options: {
    types: {
      type: 'string',
      default: 'f32,f16,bf16,q8_0,q6_k,q5_k_m,q4_k_m,q4_0,iq4_nl,iq4_xs,q3_k_m,q2_k',
    },
    'mmproj-types': { type: 'string', default: 'f32,f16,bf16,q8_0,q4_0' },
    pairs: { type: 'string', default: 'f16+f16,q8_0+q8_0,q4_k_m+q8_0' },
    limit: { type: 'string', default: '600' },
    checkpoint: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    threads: { type: 'string', default: '1' },
    runs: { type: 'string', default: '3' },
    speed: { type: 'boolean', default: true },
    accuracy: { type: 'boolean', default: true },
  },
});
const threads = Number(values.threads);
const types = values.types.split(',');
const mmprojTypes = values['mmproj-types'].split(',');
const folder = mkdtempSync(join(values.dir, 'outtypes-'));

const megabytes = (file) => statSync(file).size / 1e6;
const note = (text) => process.stderr.write(`${text}\n`);

// --- accuracy

const questions = readFileSync(join(ROOT, 'demo/vqa.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter((_, i, { length }) => i % Math.ceil(length / Number(values.limit)) === 0);

function messagesOf({ images = [], video, question }) {
  return [
    {
      role: 'user',
      content: [
        ...images.map((image) => ({ type: 'image', image })),
        ...(video ? [{ type: 'video', video }] : []),
        { type: 'text', text: question },
      ],
    },
  ];
}

async function ask(model, question) {
  const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 64, topLogprobs: 100 };
  const stream = model.chat(messagesOf(question), options);
  let first;
  for await (const chunk of stream) first ??= chunk.top;
  return { text: (await stream.result).text, first };
}

async function answersOf(outtype, mmprojOuttype) {
  note(`asking ${questions.length} questions: decoder ${outtype}, mmproj ${mmprojOuttype}`);
  const checkpoint = join(ROOT, 'demo/checkpoint');
  const files = await convert({ checkpoint, outdir: folder, outtype, mmprojOuttype });
  const model = await LlavaOneVision.load({
    model: files.model.path,
    mmproj: files.mmproj.path,
    contextSize: 8192,
    kvType: 'f32',
    threads,
  });
  const answers = [];
  const next = questions.entries();
  const worker = async () => {
    for (const [i, question] of next) answers[i] = await ask(model, question);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const rows = [];
  for (let i = 0; i < questions.length; i += ROWS_STEP)
    rows.push(...(await model.embed(messagesOf(questions[i]))).map(({ data }) => data));
  await model.dispose();
  return { answers, rows };
}

/** Over f32's 100 best tokens, which hold nearly all probability; one missing from the other's has its last's. */
function divergence(original, other) {
  const logprobs = new Map(other.map(({ token, logprob }) => [token, logprob]));
  const least = other.at(-1).logprob;
  return original.reduce(
    (sum, { token, logprob }) =>
      sum + Math.exp(logprob) * (logprob - (logprobs.get(token) ?? least)),
    0,
  );
}

function rowError(original, other) {
  let difference = 0;
  let norm = 0;
  original.forEach((data, i) => {
    data.forEach((value, j) => {
      difference += (other[i][j] - value) ** 2;
      norm += value ** 2;
    });
  });
  return Math.sqrt(difference / norm);
}

/** Cells: rows, KL divergence, share of equal answers. */
function compare(original, other) {
  const n = questions.length;
  const same = other.answers.filter(({ text }, i) => text === original.answers[i].text).length;
  const kl = other.answers.reduce(
    (sum, { first }, i) => sum + divergence(original.answers[i].first, first),
    0,
  );
  return {
    rows: rowError(original.rows, other.rows).toExponential(1),
    kl: (kl / n).toExponential(1),
    same: `${((100 * same) / n).toFixed(1)} %`,
  };
}

/** By "decoder+mmproj". */
async function accuracies() {
  const results = new Map();
  const original = await answersOf('f32', 'f32');
  const wanted = [
    ...types.map((type) => `${type}+f32`),
    ...mmprojTypes.map((type) => `f32+${type}`),
    ...values.pairs.split(','),
  ];
  for (const pair of new Set(wanted)) {
    if (pair === 'f32+f32') continue;
    results.set(pair, compare(original, await answersOf(...pair.split('+'))));
  }
  return results;
}

// --- size and speed

const stopIds = Object.fromEntries(SPECIAL_IDS.map((id) => [id, Number.NEGATIVE_INFINITY]));

async function decoderSpeed(model) {
  const content = Array.from({ length: PROMPT_DIGITS }, (_, i) => (i * 7919) % 10).join('');
  const options = { maxTokens: ANSWER_TOKENS, temperature: 0, logitBias: stopIds };
  const { usage, timings } = await model.chat([{ role: 'user', content }], options).result;
  return {
    prefill: (1000 * usage.promptTokens) / timings.prefillMs,
    generate: (1000 * (usage.completionTokens - 1)) / timings.generateMs,
  };
}

async function towerSpeed(model, side) {
  const image = { width: side, height: side, data: new Uint8Array(side * side * 3) };
  const content = [{ type: 'image', image }];
  const start = performance.now();
  await model.embed([{ role: 'user', content }]);
  return { tiles: 2000 / (performance.now() - start) }; // an overview and a tile
}

/** The best of some runs, the types taking turns. */
async function speeds() {
  const checkpoint = values.checkpoint ?? join(folder, 'checkpoint');
  if (!existsSync(checkpoint)) makeShapeTrue(checkpoint);
  const side = JSON.parse(readFileSync(join(checkpoint, 'preprocessor_config.json'))).size.width;
  const make = (outtype, mmprojOuttype) =>
    convert({ checkpoint, outdir: folder, name: 'shapes', outtype, mmprojOuttype });
  const decoders = new Map();
  const towers = new Map();
  for (const type of new Set(['f16', ...types]))
    decoders.set(type, { path: (await make(type, 'f16')).model.path });
  for (const type of new Set(['f16', ...mmprojTypes]))
    towers.set(type, { path: (await make('q4_0', type)).mmproj.path });
  const measure = async (row, files, speed) => {
    const fixed = { contextSize: 1024, threads, prefixCache: false, visualCacheBytes: 0 };
    const model = await LlavaOneVision.load({ ...files, ...fixed });
    await speed(model); // touches every weight
    for (const [key, value] of Object.entries(await speed(model)))
      row[key] = Math.max(row[key] ?? 0, value);
    await model.dispose();
  };
  for (let i = 1; i <= Number(values.runs); i++) {
    note(`timing, round ${i} of ${values.runs}`);
    for (const row of decoders.values())
      await measure(row, { model: row.path, mmproj: towers.get('f16').path }, decoderSpeed);
    for (const row of towers.values())
      await measure(row, { model: decoders.get('f16').path, mmproj: row.path }, (model) =>
        towerSpeed(model, side),
      );
  }
  return { decoders, towers };
}

// --- tables

function printTable(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  console.log([head, head.map(() => '---'), ...rows].map(line).join('\n'), '\n');
}

const exact = { rows: '0', kl: '0', same: '100 %' };
try {
  const accuracy = values.accuracy ? await accuracies() : new Map();
  const speed = values.speed ? await speeds() : undefined;
  const accuracyOf = (pair) => accuracy.get(pair) ?? (pair === 'f32+f32' ? exact : {});
  const relative = (rows, type, key) => {
    if (!rows) return '';
    return (rows.get(type)[key] / rows.get('f16')[key]).toFixed(2);
  };
  const size = (rows, type) => (rows ? megabytes(rows.get(type).path).toFixed(0) : '');
  if (speed) {
    const { prefill, generate } = speed.decoders.get('f16');
    console.log(
      `f16, ${threads} threads: prefill ${prefill.toFixed(0)} and generation ${generate.toFixed(1)} tokens/s, ` +
        `${(1000 / speed.towers.get('f16').tiles).toFixed(0)} ms per tile\n`,
    );
  }
  printTable(
    ['decoder', 'KL divergence', 'same answer', '0.5B: MB', 'prefill', 'generation'],
    types.map((type) => {
      const { kl, same } = accuracyOf(`${type}+f32`);
      const rows = speed?.decoders;
      const cells = [kl, same, size(rows, type), relative(rows, type, 'prefill')];
      return [type, ...cells, relative(rows, type, 'generate')];
    }),
  );
  printTable(
    ['mmproj', 'visual rows', 'KL divergence', 'same answer', '0.5B: MB', 'tiles'],
    mmprojTypes.map((type) => {
      const { rows, kl, same } = accuracyOf(`f32+${type}`);
      const towers = speed?.towers;
      return [type, rows, kl, same, size(towers, type), relative(towers, type, 'tiles')];
    }),
  );
  printTable(
    ['decoder + mmproj', 'KL divergence', 'same answer'],
    values.pairs.split(',').map((pair) => [pair, accuracyOf(pair).kl, accuracyOf(pair).same]),
  );
} finally {
  rmSync(folder, { recursive: true });
}
