// `model.batch` against three promises, with the demonstration's checkpoint:
//   memory  10,000 drawn pictures from a folder: how much memory the process has as it goes on
//   kills   killed with SIGKILL at five points, the run goes on and ends with the file of a run that was left alone
//   speed   the questions of demo-vqa by `eval run`'s runner and by `batch`, in turns: processor time and wall time
//
//   node bench/batch.mjs [--only memory,kills,speed] [--pictures 10000] [--questions 150] [--threads 2] [--rounds 2]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { presentImages } from '../dist/src/eval/data/media.js';
import { EVAL_LOAD_OPTIONS, localAsker } from '../dist/src/eval/local-asker.js';
import { namedBenchmarks } from '../dist/src/eval/named-benchmarks.js';
import { openResults } from '../dist/src/eval/results.js';
import { runBenchmark } from '../dist/src/eval/run.js';
import { convert, LlavaOneVision } from '../dist/src/index.js';
import { scriptArgs } from '../scripts/script-args.mjs';

const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    only: { type: 'string', default: 'speed,kills,memory' },
    pictures: { type: 'string', default: '10000' },
    questions: { type: 'string', default: '150' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '2' },
  },
});
const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'dist/src/cli/main.js');
const CONCURRENCY = 4;
const KILLED = 60;
const folder = mkdtempSync(join(tmpdir(), 'bench-batch-'));
const threads = Number(options.threads);

const { model, mmproj } = await convert({
  checkpoint: join(ROOT, 'demo/checkpoint'),
  outdir: folder,
});
const files = { model: model.path ?? model, mmproj: mmproj.path ?? mmproj };
const load = () =>
  LlavaOneVision.load({ ...files, ...EVAL_LOAD_OPTIONS, threads, maxSequences: CONCURRENCY });

/** Small pictures, each another, a hundred to a folder. */
async function draw(name, count) {
  for (let i = 0; i < count; i++) {
    const group = join(folder, name, String(Math.floor(i / 100)).padStart(3, '0'));
    mkdirSync(group, { recursive: true });
    const data = Buffer.alloc(16 * 16 * 3, Uint8Array.of(i & 255, i >> 8, (i * 7) & 255));
    const raw = { width: 16, height: 16, channels: 3 };
    await sharp(data, { raw })
      .png()
      .toFile(join(group, `${String(i).padStart(5, '0')}.png`));
  }
}

const args = (pictures, out) => [
  ...[MAIN, 'batch', '--model', files.model, '--mmproj', files.mmproj],
  ...['--threads', String(threads), '--concurrency', String(CONCURRENCY)],
  ...['--input', join(folder, pictures, '**/*.png'), '--prompt', 'What color is it?'],
  ...['--max-tokens', '8', '--out', join(folder, out)],
];

/** Bytes that a process has in memory, as Linux tells. */
async function residentBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024;
}

const lines = (path) => {
  try {
    return readFileSync(path, 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
};

async function memory() {
  const count = Number(options.pictures);
  await draw('many', count);
  const out = join(folder, 'many.jsonl');
  const child = spawn(process.execPath, args('many', 'many.jsonl'), { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const marks = [0.1, 0.2, 0.4, 0.6, 0.8, 0.98].map((share) => Math.floor(share * count));
  while (marks.length > 0 && child.exitCode === null) {
    await wait(200);
    if (lines(out) < marks[0]) continue;
    const megabytes = Math.round((await residentBytes(child.pid)) / 1e6);
    process.stdout.write(`memory: ${marks.shift()} pictures, ${megabytes} MB\n`);
  }
  const status = await ended;
  process.stdout.write(`memory: ${lines(out)} answers, status ${status}\n`);
}

async function kills() {
  await draw('few', KILLED);
  const run = async (out, killAt) => {
    const child = spawn(process.execPath, args('few', out), { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (killAt !== undefined && child.exitCode === null) {
      if (lines(join(folder, out)) >= killAt) child.kill('SIGKILL');
      await wait(2);
      if (child.signalCode) break;
    }
    return ended;
  };
  await run('whole.jsonl');
  for (const killAt of [0, 10, 25, 40, 55]) await run('killed.jsonl', killAt);
  await run('killed.jsonl');
  const [whole, killed] = ['whole', 'killed'].map((name) =>
    readFileSync(join(folder, `${name}.jsonl`)),
  );
  const verdict = whole.equals(killed) ? 'the same file' : 'ANOTHER FILE';
  process.stdout.write(
    `kills: ${verdict} after five kills, ${statSync(join(folder, 'killed.jsonl')).size} bytes\n`,
  );
}

async function timed(work) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - start, cpu: (user + system) / 1000 };
}

async function speed() {
  const [{ benchmark }] = namedBenchmarks(['demo-vqa']);
  const rows = readFileSync(join(ROOT, 'demo/vqa.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(JSON.parse);
  const selection = { limit: Number(options.questions), shuffle: true, seed: 1 };
  const llava = await load();
  const asker = localAsker(llava, { identity: { kind: 'bench' }, label: 'bench' });
  const evaluate = async (round) => {
    const out = join(folder, `eval-${round}`);
    const manifest = await openResults(out, asker, 'v0.2.2');
    await runBenchmark(benchmark, {
      ...{ asker, data: join(ROOT, 'demo'), out, manifest, selection },
      ...{ concurrency: CONCURRENCY, signal: new AbortController().signal },
    });
  };
  await evaluate('warm');
  const answers = readFileSync(join(folder, 'eval-warm/demo-vqa/answers.jsonl'), 'utf8');
  const asked = new Map(
    answers
      .trim()
      .split('\n')
      .map((line) => [JSON.parse(line).id, line]),
  );
  // As the benchmark asks: its prompts, its limit, its way with several pictures.
  const wanted = rows.filter(({ id }) => asked.has(id));
  const items = wanted.map((row) => {
    const { id, prompt, images, frames } = benchmark.sample(row);
    const clips = presentImages([frames]);
    return { id, prompt, images: presentImages(images), videos: clips.length > 0 ? [clips] : [] };
  });
  const batch = (round) =>
    llava.batch(items, {
      ...{ out: join(folder, `batch-${round}.jsonl`), concurrency: CONCURRENCY },
      ...{ maxTokens: benchmark.maxTokens, multiImage: benchmark.multiImage },
    }).result;
  const total = { evaluate: { wall: 0, cpu: 0 }, batch: { wall: 0, cpu: 0 } };
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [name, run] of Object.entries({ evaluate, batch })) {
      const { wall, cpu } = await timed(() => run(round));
      total[name].wall += wall;
      total[name].cpu += cpu;
    }
  await llava.dispose();
  const ratio = (key) => (total.batch[key] / total.evaluate[key]).toFixed(3);
  process.stdout.write(
    `speed: ${items.length} questions, ${options.rounds} rounds: batch takes ${ratio('cpu')} of the processor time ` +
      `and ${ratio('wall')} of the time of eval's runner\n`,
  );
}

try {
  const parts = { speed, kills, memory };
  for (const name of options.only.split(',')) await parts[name]();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
