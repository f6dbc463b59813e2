// Times every stage on shape-true random files, with our kernels and with ggml's and, when told where they are, the same work
// by llama.cpp's own tools, in turns in one run, beside what the machine gives. Absolute times depend on the machine and its
// neighbours: read the ratios and the shares of the limit.
//
//   npm run bench -- [--dir DIR] [--types f16,q8_0] [--size 0.5b|7b] [--threads N] [--runs 3] [--json]
//                    [--tasks tile,prefill:767,generate:64@767,…] [--llama-cpp FOLDER] [--compare-towers FILE] [--html FILE]
//
// --llama-cpp: where llama-bench and llama-batched-bench are, of llama.cpp v0.5.0; --compare-towers: clip.cpp's tower, of
// `npm run build:native -- --interop`. The limits need `npm run build:native -- --kernel-tests`.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { writeWhole } from '../dist/src/files/whole-file.js';
import { convert } from '../dist/src/index.js';
import { makeShapeTrue } from './make-shape-true.mjs';
import { benchPage } from './page.mjs';
import { llamaCpp } from './peers.mjs';
import { compareTowers } from './tower.mjs';
import { CHATS, leastTime, prefillWork, tileWork, tokenBytes } from './work.mjs';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');

const { values: options } = parseArgs({
  options: {
    dir: { type: 'string', default: join(ROOT, 'models/bench') },
    types: { type: 'string', default: 'f16,q8_0' },
    size: { type: 'string', default: '0.5b' },
    tasks: { type: 'string', default: 'tile,prefill:767,generate:64@767' },
    threads: { type: 'string', default: '0' },
    runs: { type: 'string', default: '3' },
    'llama-cpp': { type: 'string' },
    'compare-towers': { type: 'string' },
    json: { type: 'boolean', default: false },
    html: { type: 'string' },
  },
});
const runs = Number(options.runs);
const tasks = options.tasks.split(',');
const note = (text) => process.stderr.write(`${text}\n`);

/** The pair of files of one type, made on first use. A tower has no K-quants: then q8_0. */
async function files(type) {
  const name = options.size === '0.5b' ? 'shape-true' : `shape-true-${options.size}`;
  const checkpoint = join(options.dir, options.size === '0.5b' ? 'checkpoint' : name);
  const mmprojType = /^q\d_k/.test(type) ? 'q8_0' : type;
  const model = join(options.dir, `${name}-${type}.gguf`);
  const mmproj = join(options.dir, `mmproj-${name}-${mmprojType}.gguf`);
  if (existsSync(model) && existsSync(mmproj)) return { model, mmproj };
  if (!existsSync(join(checkpoint, 'config.json'))) {
    note(`making a random checkpoint of the ${options.size} shapes in ${checkpoint}`);
    makeShapeTrue(checkpoint, { size: options.size });
  }
  note(`converting to ${type}`);
  await convert({
    checkpoint,
    outdir: options.dir,
    name,
    outtype: type,
    mmprojOuttype: mmprojType,
  });
  return { model, mmproj };
}

const PROGRAMS = {
  AMX: 'x64-amx',
  'AVX-512 VNNI': 'x64-v4-vnni',
  'AVX-512': 'x64-v4',
  'AVX-VNNI': 'x64-v3-vnni',
  AVX2: 'x64-v3',
};

/** Operations and bytes per second of all threads, with the instruction set of the addon's kernels; {} without kernels or the program. */
async function limitsOf(threads, instructionSet) {
  const program = join(ROOT, `.build/cmake/kernels/kernels-limits-${PROGRAMS[instructionSet]}`);
  if (existsSync(program)) return JSON.parse((await run(program, [String(threads)])).stdout);
  note('no limits: npm run build:native -- --kernel-tests makes the program that measures them');
  return {};
}

async function ours({ model, mmproj }, threads, kernels) {
  const args = [join(ROOT, 'bench/measure.mjs'), model, mmproj, threads, kernels, ...tasks];
  return JSON.parse((await run(process.execPath, args.map(String))).stdout);
}

/** What each task measures, whether less is better, the same elsewhere, and the least time of one. */
function stageOf(task, pair, peer) {
  const [name, argument] = task.split(':');
  const [count, depth] = (argument ?? '').split('@').map(Number);
  switch (name) {
    case 'tile':
      return { key: 'tileMs', unit: 'ms', isTime: true, least: () => tileWork(pair.mmproj) };
    case 'photo':
      return {
        key: 'photoMs',
        unit: 'ms',
        isTime: true,
        least: async ({ photoTiles, photoRows }) =>
          [
            ...Array(photoTiles).fill(await tileWork(pair.mmproj)),
            await prefillWork(pair.model, photoRows),
          ].reduce(plus),
      };
    case 'prefill':
      return {
        key: `prefill${count}`,
        unit: 'tokens/s',
        peer: peer && (() => peer.prefill(count)),
        least: () => prefillWork(pair.model, count),
        of: count,
      };
    case 'generate':
      return {
        key: `generate${depth}`,
        unit: 'tokens/s',
        peer: peer && (() => peer.generate(count, depth)),
        least: async () => ({ read: await tokenBytes(pair.model, depth) }),
        of: 1,
      };
    case 'chats':
      return {
        key: `chats${count}`,
        unit: 'tokens/s',
        peer: peer && (() => peer.chats(count, CHATS)),
      };
    default:
      throw new Error(`Unknown task ${task}`);
  }
}

const plus = (a, b) => {
  const sum = { ...a };
  for (const [unit, operations] of Object.entries(b)) sum[unit] = (sum[unit] ?? 0) + operations;
  return sum;
};

async function measureType(type, threads, limits) {
  const pair = await files(type);
  const peer = options['llama-cpp'] && llamaCpp(options['llama-cpp'], { ...pair, threads });
  const stages = tasks.map((task) => stageOf(task, pair, peer));
  const samples = { ours: [], ggml: [], peer: [] };
  for (let i = 0; i < runs; i++) {
    note(`${type}: run ${i + 1} of ${runs}`);
    samples.ours.push(await ours(pair, threads, 'auto'));
    samples.ggml.push(await ours(pair, threads, 'ggml'));
    const there = {};
    for (const { key, peer: work } of stages) if (work) there[key] = await work();
    samples.peer.push(there);
  }
  if (options['compare-towers']) await addTowers(pair, threads, samples);
  const rows = [];
  for (const stage of stages) rows.push(await rowOf(type, stage, samples, limits));
  return rows;
}

/** clip.cpp's tile, and a photo as its tiles and llama-bench's prefill would make it. */
async function addTowers({ mmproj }, threads, samples) {
  const program = options['compare-towers'];
  const times = await compareTowers(mmproj, { threads, runs, program });
  const tileMs = Math.min(...times.clip);
  const [{ photoTiles, photoRows }] = samples.ours;
  for (const there of samples.peer) {
    there.tileMs = tileMs;
    const prefill = there[`prefill${nearest(Object.keys(there), photoRows)}`];
    if (photoTiles && prefill) there.photoMs = photoTiles * tileMs + (1000 * photoRows) / prefill;
  }
}

/** The length of the measured prompt that is nearest to `rows`. */
function nearest(keys, rows) {
  const lengths = keys.map((key) => Number(/^prefill(\d+)$/.exec(key)?.[1])).filter(Boolean);
  return lengths.sort((a, b) => Math.abs(a - rows) - Math.abs(b - rows))[0];
}

async function rowOf(type, { key, unit, isTime, least, of }, samples, limits) {
  const best = (list) => {
    const values = list.map((sample) => sample[key]).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : (isTime ? Math.min : Math.max)(...values);
  };
  const value = best(samples.ours);
  const ratio = (other) => other && (isTime ? other / value : value / other);
  const seconds = least && leastTime(await least(samples.ours[0]), limits);
  const taken = isTime ? value / 1000 : of / value;
  return {
    type,
    stage: key,
    value,
    unit,
    toGgml: ratio(best(samples.ggml)),
    toLlamaCpp: ratio(best(samples.peer)),
    share: seconds && seconds / taken,
  };
}

function table(rows) {
  const times = (value) => (value === undefined ? '' : `${value.toFixed(2)}×`).padStart(10);
  const lines = rows.map((row) =>
    [
      row.type.padEnd(7),
      row.stage.padEnd(14),
      `${row.value.toFixed(1)} ${row.unit}`.padStart(16),
      times(row.toGgml),
      times(row.toLlamaCpp),
      (row.share === undefined ? '' : `${Math.round(100 * row.share)} %`).padStart(7),
    ].join(' '),
  );
  const head = `${''.padEnd(22)} ${'ours'.padStart(16)} ${'to ggml'.padStart(10)} ${'llama.cpp'.padStart(10)} of limit`;
  return `${[head, ...lines].join('\n')}\n`;
}

const { native } = await import('../dist/src/addon/load-addon.js');
const threads = Number(options.threads) || native().physicalCores();
const limits = await limitsOf(threads, native().kernels().instructionSet);
const rows = [];
for (const type of options.types.split(','))
  rows.push(...(await measureType(type, threads, limits)));
const said = describe(limits);
process.stdout.write(
  options.json ? `${JSON.stringify({ limits, rows }, null, 2)}\n` : `${said}\n${table(rows)}`,
);
if (options.html !== undefined) await writeWhole(options.html, benchPage(rows, said));

function describe({ instructionSet, int8, int16, f32, bf16, read }) {
  const shapes = `${options.size} shapes with random weights, ${threads} threads, best of ${runs} runs each`;
  if (!instructionSet) return shapes;
  const giga = (value) => (value ? (value / 1e9).toFixed(0) : '–');
  return `${shapes}; ${instructionSet} gives ${bf16 ? `bf16 ${giga(bf16)} GOP/s, ` : ''}int8 ${giga(int8)}, int16 ${giga(int16)}, f32 ${giga(f32)} GFLOP/s, read ${giga(read)} GB/s`;
}
