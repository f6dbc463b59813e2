// What generation keeps of its speed when it does not have the machine for itself: beside programs that keep every core
// busy, and two models at once in one process; and whether waiting without spinning costs anything alone, against an addon
// compiled without scripts/patches/waiting-threads.patch. Shape-true random files of the 0.5B (bench.mjs makes them).
//
//   node bench/busy.mjs [--dir DIR | --model FILE] [--without ADDON] [--threads N] [--tokens 48] [--rounds 5] [--json]
//
// Whatever else runs here spoils the figures: each measurement waits until the machine is quiet, at most --patience seconds
// (20), the kinds take turns, and the best of each kind counts. Read the ratios. As root, `nice -n -20 node bench/busy.mjs`
// keeps others out.
import { spawn } from 'node:child_process';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scriptArgs } from '../scripts/script-args.mjs';

const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    dir: { type: 'string', default: join(import.meta.dirname, '../models/bench') },
    model: { type: 'string' },
    without: { type: 'string' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    tokens: { type: 'string', default: '48' },
    rounds: { type: 'string', default: '5' },
    patience: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const MODEL = options.model ?? join(options.dir, 'shape-true-q8_0.gguf');
const QUIET = 0.1; // of the CPU time, taken by others

const KINDS = {
  alone: { models: 1 },
  busy: { models: 1, spinners: os.availableParallelism() },
  two: { models: 2 },
  ...(options.without && { without: { models: 1, addon: options.without } }),
};
const RATIOS = [
  ['busy', 'alone', 0.4, 'beside programs that keep every core busy, to alone'],
  ['two', 'alone', 0.8, 'two models at once, in sum, to one alone'],
  ['alone', 'without', 0.98, 'alone, to alone without the patch'],
];

/** Tokens per second of all models together, in a process of their own. */
async function measure({ models, spinners = 0, addon }) {
  const others = Array.from({ length: spinners }, () =>
    spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' }),
  );
  try {
    const args = [join(import.meta.dirname, 'generate.mjs'), MODEL];
    args.push(String(models), options.threads, options.tokens);
    const env = { ...process.env, ...(addon && { LLAVAOV_BINDING: addon }) };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const output = await new Response(child.stdout).text();
    if (output === '') throw new Error(`Nothing was measured with ${MODEL}`);
    return JSON.parse(output).tokensPerSecond;
  } finally {
    for (const other of others) other.kill();
  }
}

/** How much of the CPU time others take. */
async function load() {
  const times = () =>
    os
      .cpus()
      .reduce(
        ([idle, all], { times: { idle: own, ...rest } }) => [
          idle + own,
          all + own + Object.values(rest).reduce((a, b) => a + b),
        ],
        [0, 0],
      );
  const [idle, all] = times();
  await sleep(500);
  const [idleNow, allNow] = times();
  return 1 - (idleNow - idle) / (allNow - all);
}

async function quiet() {
  const until = performance.now() + Number(options.patience) * 1000;
  for (;;) {
    const taken = await load();
    if (taken < QUIET || performance.now() > until) return taken;
  }
}

const best = {};
let disturbed = 0;
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, kind] of Object.entries(KINDS)) {
    const taken = await quiet();
    disturbed = Math.max(disturbed, taken);
    const speed = await measure(kind);
    best[name] = Math.max(best[name] ?? 0, speed);
    process.stderr.write(
      `${name}: ${speed.toFixed(1)} tokens/s (others took ${(100 * taken).toFixed(0)} % before)\n`,
    );
  }
}
const ratios = RATIOS.filter(([a, b]) => best[a] && best[b]).map(([a, b, target, what]) => ({
  ...{ name: `${a}/${b}`, ratio: best[a] / best[b], target, what },
}));
if (options.json) console.log(JSON.stringify({ tokensPerSecond: best, ratios, disturbed }));
else {
  console.log(`${options.threads} threads, ${MODEL}, the best of ${options.rounds}, tokens/s:`);
  for (const [name, speed] of Object.entries(best)) console.log(`  ${name} ${speed.toFixed(1)}`);
  for (const { ratio, target, what } of ratios)
    console.log(`${ratio.toFixed(2)} (at least ${target}): ${what}`);
  if (!options.without)
    console.log('not measured: alone without the patch (--without names such an addon)');
  if (disturbed >= QUIET)
    console.log(`others took up to ${(100 * disturbed).toFixed(0)} % of the CPUs meanwhile`);
}
