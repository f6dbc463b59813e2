/**
 * Changes files of every kind at random and uses them in child processes. None may end a process, print an assertion, hang for
 * 20 s, take 4 GB, or throw an error that is no LlavaError. First, planted ones of each must be noticed.
 *
 *   npm run fuzz -- [--seconds 300] [--seed N] [--kind decoder|mmproj|lora|imatrix|session|rows|checkpoint] [--case I]
 */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeSeeds } from './seeds.mjs';

/** Of a child's own time: another program may hold the processor. */
const HANG_MS = 20_000;
/** By the clock: for what waits for ever. */
const WAIT_MS = 10 * HANG_MS;
const MAX_BYTES = 4e9;
/** Of one child: later ones begin with fresh memory. */
const CASES = 4000;
const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const ASSERTION = /GGML_ASSERT|GGML_ABORT|AddressSanitizer|runtime error:/;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    kind: { type: 'string' },
    case: { type: 'string' },
  },
});
const seed = Number(values.seed);
// A slow build, as one with sanitizers, has longer.
const slower = Number(process.env.FUZZ_SLOWER ?? 1);
const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = mkdtempSync(join(parent, 'llava-onevision-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** What a process has computed; 0 where the system does not tell. @param {number | undefined} pid */
function cpuMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12])); // in hundredths of a second
  } catch {
    return 0;
  }
}

/** @typedef {{ index: number, kind: string, path: string, problem: string }} Finding */

/**
 * @param {{ first: number, end: number, until?: number, control?: string }} range
 * @param {(kind: string, outcome: string) => void} count
 * @returns {Promise<{ next: number, finding?: Finding }>} where to go on
 */
function runChild(range, count) {
  const options = JSON.stringify({ folder, seeds, seed, only: values.kind, ...range });
  const stdio = /** @type {const} */ (['ignore', 'ignore', 'pipe', 'ipc']);
  const child = spawn(process.execPath, [CHILD, options], { stdio: [...stdio] });
  let current = { index: range.first, kind: '', path: '' };
  let isUnderWay = false;
  let problem = '';
  let stderr = '';
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const fail = (/** @type {string} */ what) => {
    problem ||= what;
    child.kill('SIGKILL');
  };
  child.stderr?.on('data', (data) => {
    stderr = (stderr + data).slice(-20_000);
    if (!ASSERTION.test(stderr)) return;
    problem ||= 'it printed an assertion';
    setTimeout(() => child.kill('SIGKILL'), 500); // its stack comes after it
  });
  child.on('message', (/** @type {any} */ message) => {
    clearTimeout(timer);
    if (message.begins !== undefined) {
      current = { index: message.begins, kind: message.kind, path: message.path };
      isUnderWay = true;
      const waited = range.control === 'hang' ? HANG_MS : slower * WAIT_MS;
      const since = performance.now();
      const before = cpuMs(child.pid);
      timer = setInterval(() => {
        const late = performance.now() - since > waited;
        if (late || cpuMs(child.pid) - before > slower * HANG_MS) fail('it hangs');
      }, 1000);
      return;
    }
    isUnderWay = false;
    count(current.kind, message.outcome);
    if (message.problem) fail(`an error of no code: ${message.problem}`);
    else if (message.peakBytes > MAX_BYTES) fail(`it took ${message.peakBytes} bytes`);
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (!problem && (signal || code !== 0)) problem = `it ended by ${signal ?? code}`;
      if (problem) problem += `\n${stderr}`;
      if (problem && current.kind === '') reject(new Error(`A child did not begin: ${problem}`));
      const next = current.index + 1;
      if (isUnderWay && problem) count(current.kind, 'failed');
      resolve(problem ? { next, finding: { ...current, problem } } : { next });
    });
  });
}

/** Whether each planted failure is noticed. */
async function checkControls() {
  for (const control of ['crash', 'assert', 'hang', 'memory', 'error']) {
    const { finding } = await runChild({ first: 0, end: 1, control }, () => {});
    const seen = finding?.problem.split('\n')[0];
    if (!seen) throw new Error(`The planted ${control} was not noticed.`);
    console.log(`planted ${control}: ${seen}`);
  }
}

/** Ctrl-C ends the run, and the child under way, with its counts. */
let isStopped = false;
process.once('SIGINT', () => {
  isStopped = true;
});

async function fuzz() {
  /** @type {Record<string, Record<string, number>>} */
  const counts = {};
  const count = (/** @type {string} */ kind, /** @type {string} */ outcome) => {
    counts[kind] ??= { read: 0, refused: 0, failed: 0 };
    const of = counts[kind];
    of[outcome] = (of[outcome] ?? 0) + 1;
  };
  const began = Date.now();
  const until = began + Number(values.seconds) * 1000;
  const single = values.case === undefined ? undefined : Number(values.case);
  let findings = 0;
  let next = single ?? 0;
  do {
    const end = single === undefined ? next + CASES : next + 1;
    const result = await runChild({ first: next, end, until }, count);
    next = result.next;
    if (!result.finding) continue;
    const { index, kind, path, problem } = result.finding;
    findings++;
    const kept = join(tmpdir(), `fuzz-${kind}-${seed}-${index}`);
    if (path) copyFileSync(path, kept);
    console.log(`FAILED --seed ${seed} --case ${index} (${kind}, ${kept}): ${problem}`);
  } while (single === undefined && Date.now() < until && !isStopped);
  console.table(counts);
  const total = Object.values(counts).flatMap((of) => Object.values(of));
  const sum = total.reduce((a, b) => a + b, 0);
  const perSecond = (1000 * sum) / (Date.now() - began);
  console.log(
    `seed ${seed}: ${sum} changed files, ${perSecond.toFixed(0)} per second, ${findings} failures`,
  );
  // As when its good file is none.
  const unread = Object.keys(counts).filter((kind) => sum > 2000 && !counts[kind]?.read);
  if (unread.length > 0) console.log(`nothing was read of: ${unread.join(', ')}`);
  process.exitCode = findings + unread.length === 0 ? 0 : 1;
}

console.log(`seed ${seed}`);
const seeds = await makeSeeds(folder);
if (values.case === undefined) await checkControls();
await fuzz();
