// Times every stage on shape-true random files, with our kernels and with ggml's and, when told where they are, the same work
// by llama.cpp's own tools, in turns stage by stage, each of ours between two measurements of what the machine gives. Absolute
// times (the best of all runs) depend on the machine and its neighbours: read the ratios and the shares of the limit, which are
// medians of those of each run.
//
//   npm run bench -- [--dir DIR] [--types f16,q8_0] [--size 0.5b|7b] [--threads N] [--runs 3] [--json]
//                    [--tasks tile,prefill:767,generate:64@767,…] [--llama-cpp FOLDER] [--compare-towers FILE] [--html FILE]
//
// --llama-cpp: where llama-bench and llama-batched-bench are, of llama.cpp v0.5.0; --compare-towers: clip.cpp's tower, of
// `npm run build:native -- --interop`. The limits need `npm run build:native -- --kernel-tests`.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeWhole } from '../dist/src/files/whole-file.js';
import { convert } from '../dist/src/index.js';
import { scriptArgs } from '../scripts/script-args.mjs';
import { between, limitsOf } from './limits.mjs';
import { makeShapeTrue } from './make-shape-true.mjs';
import { benchPage } from './page.mjs';
import { llamaCpp } from './peers.mjs';
import { compareTowers } from './tower.mjs';
import { CHATS, leastTime, prefillWork, tileWork, tokenBytes } from './work.mjs';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');

const { values: options } = scriptArgs(import.meta.filename, {
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
const UNITS = [
  ...['bf16', 'int8', 'int16'].map((name) => [name, 'GOP/s']),
  ...[
    ['f32', 'GFLOP/s'],
    ['read', 'GB/s'],
  ],
];
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

async function ours({ model, mmproj }, threads, kernels, task) {
  const args = [join(ROOT, 'bench/measure.mjs'), model, mmproj, threads, kernels, task];
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
        least: async () => ({ read: await tokenBytes(pair.model, depth + count / 2) }),
        isReading: true,
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
  const stages = tasks.map((task) => ({ task, ...stageOf(task, pair, peer) }));
  const rounds = [];
  for (let i = 0; i < runs; i++) {
    note(`${type}: run ${i + 1} of ${runs}`);
    const round = { ours: {}, ggml: {}, peer: {}, shares: {}, limits: [] };
    for (const stage of stages) await measureStage(stage, pair, { threads, limits, round });
    rounds.push(round);
  }
  if (options['compare-towers']) await addTowers(pair, threads, rounds);
  return {
    rows: stages.map((stage) => rowOf(type, stage, rounds)),
    limits: rounds.flatMap((round) => round.limits),
  };
}

/** One stage by ours, ggml's kernels and llama.cpp's tools, into `round`. */
async function measureStage(stage, pair, { threads, limits, round }) {
  const { task, key, peer, least, isReading } = stage;
  const measureLimits = least && limits && (() => limits(isReading ? 'read' : undefined));
  const before = await measureLimits?.();
  const sample = await ours(pair, threads, 'auto', task);
  Object.assign(round.ours, sample);
  if (before) {
    const given = between(before, await measureLimits());
    round.limits.push(given);
    const seconds = leastTime(await least(sample), given);
    round.shares[key] = seconds && seconds / secondsOf(stage, sample[key]);
  }
  Object.assign(round.ggml, await ours(pair, threads, 'ggml', task));
  if (peer) round.peer[key] = await peer();
}

const secondsOf = ({ isTime, of }, value) => (isTime ? value / 1000 : of / value);

/** clip.cpp's tile, and a photo as its tiles and llama-bench's prefill would make it. */
async function addTowers({ mmproj }, threads, rounds) {
  const program = options['compare-towers'];
  const times = await compareTowers(mmproj, { threads, runs, program });
  const tileMs = Math.min(...times.clip);
  for (const { ours: here, peer: there } of rounds) {
    const { photoTiles, photoRows } = here;
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

function rowOf(type, { key, unit, isTime }, rounds) {
  const value = (isTime ? Math.min : Math.max)(...rounds.map((round) => round.ours[key]));
  const ratio = (of) =>
    median(
      rounds.map((round) =>
        isTime ? round[of][key] / round.ours[key] : round.ours[key] / round[of][key],
      ),
    );
  const share = median(rounds.map(({ shares }) => shares[key]));
  return { type, stage: key, value, unit, toGgml: ratio('ggml'), toLlamaCpp: ratio('peer'), share };
}

/** Of the numbers among them, of two in the middle the lesser; undefined where there are none. */
function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
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
const { instructionSet } = native().kernels();
const limits = limitsOf(threads, instructionSet);
if (!limits)
  note('no limits: npm run build:native -- --kernel-tests makes the program that measures them');
const rows = [];
const given = [];
for (const type of options.types.split(',')) {
  const measured = await measureType(type, threads, limits);
  rows.push(...measured.rows);
  given.push(...measured.limits);
}
const said = describe();
process.stdout.write(
  options.json
    ? `${JSON.stringify({ limits: given, rows }, null, 2)}\n`
    : `${said}\n${table(rows)}`,
);
if (options.html !== undefined) await writeWhole(options.html, benchPage(rows, said));

/** What was measured, and the least and the most that the machine gave meanwhile. */
function describe() {
  const shapes = `${options.size} shapes with random weights, ${threads} threads, ${runs} runs, the best of each and medians of ratios`;
  if (given.length === 0) return shapes;
  const range = ([name, unit]) => {
    // What the CPU has no instruction for is null.
    const values = given.map((one) => one[name]).filter(Number.isFinite);
    const [least, most] = [Math.min(...values), Math.max(...values)].map((one) =>
      (one / 1e9).toFixed(0),
    );
    return values.length > 0 && `${name} ${least === most ? least : `${least}-${most}`} ${unit}`;
  };
  return `${shapes}; ${instructionSet} gave ${UNITS.map(range).filter(Boolean).join(', ')}`;
}
