// Times every stage on shape-true random files and, when told where llama.cpp's own tools are, the same work by
// them in the same run. Absolute times depend on the machine and its neighbours: read the ratios.
//
//   npm run bench -- [--dir DIR] [--types f16,q8_0] [--threads N] [--llama-bench FILE] [--compare-towers FILE]
//                    [--runs 3] [--json] [--html FILE]
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { writeWhole } from '../dist/src/files/whole-file.js';
import { convert } from '../dist/src/index.js';
import { makeShapeTrue } from './make-shape-true.mjs';
import { benchPage } from './page.mjs';
import { compareTowers } from './tower.mjs';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
const PROMPT_TOKENS = 512;
const ANSWER_TOKENS = 64;

const { values: options } = parseArgs({
  options: {
    dir: { type: 'string', default: join(ROOT, 'models/bench') },
    types: { type: 'string', default: 'f16,q8_0' },
    threads: { type: 'string', default: '0' },
    runs: { type: 'string', default: '3' },
    'llama-bench': { type: 'string' },
    'compare-towers': { type: 'string' },
    json: { type: 'boolean', default: false },
    html: { type: 'string' },
  },
});
const runs = Number(options.runs);
const note = (text) => process.stderr.write(`${text}\n`);

/** The pair of files of one type, made on first use. */
async function files(type) {
  const checkpoint = join(options.dir, 'checkpoint');
  const model = join(options.dir, `shape-true-${type}.gguf`);
  const mmproj = join(options.dir, `mmproj-shape-true-${type}.gguf`);
  if (existsSync(model) && existsSync(mmproj)) return { model, mmproj };
  if (!existsSync(join(checkpoint, 'model.safetensors'))) {
    note(`making a random checkpoint of the 0.5B shapes in ${checkpoint}`);
    makeShapeTrue(checkpoint);
  }
  note(`converting to ${type}`);
  await convert({
    checkpoint,
    outdir: options.dir,
    name: 'shape-true',
    outtype: type,
    mmprojOuttype: type,
  });
  return { model, mmproj };
}

async function ours({ model, mmproj }, threads) {
  const script = join(ROOT, 'bench/measure.mjs');
  const args = [script, model, mmproj, threads, PROMPT_TOKENS, ANSWER_TOKENS];
  const { stdout } = await run(process.execPath, args.map(String));
  return JSON.parse(stdout);
}

/** Prefill and generation of llama.cpp at the lengths that ours used. */
async function llamaBench({ model }, threads, { promptTokens }) {
  const args = ['-m', model, '-t', threads, '-r', 1, '-o', 'json', '-fa', 'auto'];
  const speeds = async (extra) => {
    const { stdout } = await run(options['llama-bench'], [...args, ...extra].map(String));
    return JSON.parse(stdout)[0].avg_ts;
  };
  return {
    prefill: await speeds(['-p', promptTokens, '-n', 0]),
    generate: await speeds(['-p', 0, '-n', ANSWER_TOKENS, '-d', promptTokens]),
  };
}

const best = (samples, key, choose) => choose(...samples.map((sample) => sample[key]));

async function measureType(type) {
  const pair = await files(type);
  const threads = Number(options.threads) || (await physicalCores());
  const own = [];
  const peer = [];
  for (let i = 0; i < runs; i++) {
    note(`${type}: run ${i + 1} of ${runs}`);
    own.push(await ours(pair, threads));
    if (options['llama-bench']) peer.push(await llamaBench(pair, threads, own[0]));
  }
  const row = {
    type,
    threads,
    tileMs: best(own, 'tileMs', Math.min),
    prefill: best(own, 'prefill', Math.max),
    generate: best(own, 'generate', Math.max),
    peakMemory: best(own, 'peakMemory', Math.max),
    loadMs: best(own, 'loadMs', Math.min),
  };
  if (peer.length > 0) {
    row.prefillRatio = row.prefill / best(peer, 'prefill', Math.max);
    row.generateRatio = row.generate / best(peer, 'generate', Math.max);
  }
  if (options['compare-towers']) {
    const program = options['compare-towers'];
    const times = await compareTowers(pair.mmproj, { threads, runs, program });
    row.tileRatio = Math.min(...times.clip) / Math.min(...times.ours);
  }
  return row;
}

async function physicalCores() {
  const { native } = await import('../dist/src/addon/load-addon.js');
  return native().physicalCores();
}

function table(rows) {
  const ratio = (value) => (value === undefined ? '' : ` (${value.toFixed(2)}×)`);
  const lines = rows.map((row) =>
    [
      row.type.padEnd(6),
      `${row.tileMs.toFixed(0)} ms per tile${ratio(row.tileRatio)}`,
      `prefill ${row.prefill.toFixed(0)} tokens/s${ratio(row.prefillRatio)}`,
      `generation ${row.generate.toFixed(1)} tokens/s${ratio(row.generateRatio)}`,
      `peak ${(row.peakMemory / 1e9).toFixed(2)} GB`,
      `load ${row.loadMs.toFixed(0)} ms`,
    ].join('  '),
  );
  return `${lines.join('\n')}\n(×: our speed over llama.cpp's, best of ${runs} runs each)\n`;
}

const rows = [];
for (const type of options.types.split(',')) rows.push(await measureType(type));
process.stdout.write(options.json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
const said = `0.5B shapes with random weights, best of ${runs} runs; a prompt of ${PROMPT_TOKENS} tokens, an answer of ${ANSWER_TOKENS}.`;
if (options.html !== undefined) await writeWhole(options.html, benchPage(rows, said));
