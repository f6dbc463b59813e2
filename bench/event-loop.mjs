// How long the library holds an application's event loop: for each kind of work the longest time between two turns, on random
// files of the 0.5B's shapes (bench.mjs makes them too). Of a machine that others use read the CPU time, which is that of this
// thread alone (Linux): what passes while the system gives the core to somebody else is not the library's.
//
//   node bench/event-loop.mjs [--dir DIR] [--before CLONE] [--positions 7000] [--threads N] [--only load,save] [--json]
//
// --before names another clone that is built, to be measured first.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { scriptArgs } from '../scripts/script-args.mjs';

const ROOT = join(import.meta.dirname, '..');
const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    dir: { type: 'string', default: join(ROOT, 'models/bench') },
    before: { type: 'string' },
    positions: { type: 'string', default: '7000' },
    threads: { type: 'string', default: '0' },
    only: { type: 'string', default: 'convert,quantize,load,render,save,restore,dispose' },
    json: { type: 'boolean', default: false },
    child: { type: 'string' },
  },
});
const LIMIT = 25;
const TYPE = 'f16';
const checkpoint = join(options.dir, 'checkpoint');
const files = {
  model: join(options.dir, `shape-true-${TYPE}.gguf`),
  mmproj: join(options.dir, `mmproj-shape-true-${TYPE}.gguf`),
};
const kinds = options.only.split(',');

/** CPU time of this thread in milliseconds, where the system tells it. */
function threadTime() {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** The longest time between two turns during `work`: { wall, cpu } in milliseconds. */
async function longest(work) {
  const most = { wall: 0, cpu: 0 };
  let wall = performance.now();
  let cpu = threadTime();
  const look = () => {
    const [wallNow, cpuNow] = [performance.now(), threadTime()];
    most.wall = Math.max(most.wall, wallNow - wall - 1);
    most.cpu = Math.max(most.cpu, cpuNow - cpu);
    [wall, cpu] = [wallNow, cpuNow];
  };
  const timer = setInterval(look, 1);
  try {
    await work();
  } finally {
    clearInterval(timer);
    look();
  }
  return most;
}

/** The beginning of a long work: it is aborted when the first rows are written. */
async function begun(work) {
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  await work({ signal: stop.signal, onProgress }).catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
}

async function measureModel(LlavaOneVision, results) {
  let model;
  const load = { ...files, threads: Number(options.threads) || undefined, contextSize: 8192 };
  results.load = await longest(async () => {
    model = await LlavaOneVision.load(load);
  });
  const words = (count) => Array.from({ length: count }, (_, i) => (i * 7919) % 10).join('');
  const measure = async (kind, work) => {
    if (kinds.includes(kind)) results[kind] = await longest(work);
  };
  const text = 'The quick brown fox. '.repeat(43_000);
  await measure('render', () =>
    model.render([{ role: 'user', content: text }]).catch((error) => {
      if (error.code !== 'ERR_CONTEXT_FULL') throw error;
    }),
  );
  if (kinds.includes('save')) {
    const path = join(options.dir, 'event-loop.session');
    const session = model.session();
    await session.chat(words(Number(options.positions)), { maxTokens: 1 }).result;
    await measure('save', () => session.save(path));
    await measure('restore', async () => (await model.loadSession(path)).dispose());
    await session.dispose();
    rmSync(path);
  }
  results.dispose = await longest(() => model.dispose());
}

/** In a process of its own: `clone`'s library. */
async function measure(clone) {
  const { convert, LlavaOneVision, quantize } = await import(join(clone, 'dist/src/index.js'));
  const results = {};
  if (kinds.includes('convert'))
    results.convert = await longest(() =>
      begun((how) => convert({ checkpoint, outdir: options.dir, name: 'aborted', ...how })),
    );
  if (kinds.includes('quantize'))
    results.quantize = await longest(() =>
      begun((how) => quantize({ file: files.model, outtype: 'q8_0', ...how })),
    );
  if (kinds.some((kind) => !['convert', 'quantize'].includes(kind)))
    await measureModel(LlavaOneVision, results);
  return results;
}

async function make() {
  if (existsSync(files.model) && existsSync(files.mmproj) && existsSync(checkpoint)) return;
  const { makeShapeTrue } = await import('./make-shape-true.mjs');
  const { convert } = await import('../dist/src/index.js');
  process.stderr.write(`making files of the 0.5B shapes in ${options.dir}\n`);
  if (!existsSync(join(checkpoint, 'model.safetensors'))) makeShapeTrue(checkpoint);
  const types = { outtype: TYPE, mmprojOuttype: TYPE };
  await convert({ checkpoint, outdir: options.dir, name: 'shape-true', ...types });
}

if (options.child !== undefined) {
  process.stdout.write(JSON.stringify(await measure(options.child)));
} else {
  await make();
  const columns = { ...(options.before && { before: options.before }), now: ROOT };
  const results = {};
  for (const [name, clone] of Object.entries(columns)) {
    const args = [import.meta.filename, ...process.argv.slice(2), '--child', clone];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    results[name] = JSON.parse(stdout);
  }
  if (options.json) console.log(JSON.stringify(results));
  else {
    const figure = ({ wall, cpu }) => `${wall.toFixed(0)} (${cpu.toFixed(0)})`.padStart(12);
    console.log('Longest time without a turn of the event loop, ms, and of it CPU time:');
    console.log(
      `${''.padEnd(10)}${Object.keys(results)
        .map((name) => name.padStart(12))
        .join('')}`,
    );
    for (const kind of Object.keys(results.now))
      console.log(
        kind.padEnd(10) +
          Object.values(results)
            .map((column) => figure(column[kind]))
            .join(''),
      );
  }
  const cost = ({ wall, cpu }) => (Number.isNaN(cpu) ? wall : cpu);
  if (Object.values(results.now).some((result) => cost(result) > LIMIT)) process.exitCode = 1;
}
