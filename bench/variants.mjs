// Compares prebuilt variants with a local build for this CPU: what a user loses by not compiling. Each round runs every
// addon once, in a process of its own, so that all meet the same neighbours; CPU time of one thread is compared, of which a
// busy machine takes less than of the clock. Prints each addon's best and its ratio to the first.
//
//   node bench/variants.mjs NATIVE.node VARIANT.node... [--dir models/bench] [--type f16] [--rounds 5]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { scriptArgs } from '../scripts/script-args.mjs';
import { makeShapeTrue, SPECIAL_IDS } from './make-shape-true.mjs';

const ROOT = join(import.meta.dirname, '..');
const SIDE = 384;
const PROMPT = 256;
const ANSWER = 64;
const REPEATS = 2;

/** In a child: CPU milliseconds of each stage. */
async function measure(model, mmproj) {
  const { LlavaOneVision } = await import('../dist/src/index.js');
  const options = { threads: 1, contextSize: 2048, prefixCache: false, visualCacheBytes: 0 };
  const llava = await LlavaOneVision.load({ model, mmproj, backend: 'cpu', ...options });
  const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 7 + (i >> 5)) & 255);
  const image = { type: 'image', image: { width: SIDE, height: SIDE, data } };
  const text = Array.from({ length: PROMPT }, (_, i) => (i * 7919) % 10).join('');
  const logitBias = Object.fromEntries(SPECIAL_IDS.map((id) => [id, Number.NEGATIVE_INFINITY]));
  const answer = (maxTokens) =>
    llava.chat([{ role: 'user', content: text }], { maxTokens, temperature: 0, logitBias });
  const cpuTime = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  /** The quickest of several: neighbours only ever make it slower. */
  const quickest = async (work) => {
    let best = Infinity;
    for (let i = 0; i < REPEATS; i++) {
      const start = cpuTime();
      await work();
      best = Math.min(best, cpuTime() - start);
    }
    return best;
  };
  const tower = await quickest(() => llava.embed([{ role: 'user', content: [image] }]));
  const prefill = await quickest(() => answer(1).result);
  let token = Infinity;
  let last;
  for await (const _ of answer(ANSWER)) {
    const now = cpuTime();
    if (last !== undefined) token = Math.min(token, now - last);
    last = now;
  }
  await llava.dispose();
  return { tower, prefill, token };
}

function measureApart(addon, files) {
  const args = [import.meta.filename, '--measure', ...files];
  const env = { ...process.env, LLAVAOV_BINDING: addon };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${addon}: ${stderr}`);
  return JSON.parse(stdout);
}

/** The pair of files of one type, made on first use. */
async function shapeTrueFiles(dir, type) {
  const files = [join(dir, `shape-true-${type}.gguf`), join(dir, `mmproj-shape-true-${type}.gguf`)];
  if (files.every(existsSync)) return files;
  const { convert } = await import('../dist/src/index.js');
  const checkpoint = join(dir, 'checkpoint');
  if (!existsSync(join(checkpoint, 'model.safetensors'))) makeShapeTrue(checkpoint);
  await convert({
    checkpoint,
    outdir: dir,
    name: 'shape-true',
    outtype: type,
    mmprojOuttype: type,
  });
  return files;
}

async function compare() {
  const { values, positionals } = scriptArgs(import.meta.filename, {
    allowPositionals: true,
    options: {
      dir: { type: 'string', default: join(ROOT, 'models/bench') },
      type: { type: 'string', default: 'f16' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const files = await shapeTrueFiles(values.dir, values.type);
  const addons = positionals.map((file) => resolve(file));
  const best = addons.map(() => ({ tower: Infinity, prefill: Infinity, token: Infinity }));
  for (let round = 0; round < Number(values.rounds); round++) {
    addons.forEach((addon, i) => {
      const times = measureApart(addon, files);
      for (const stage of Object.keys(times))
        best[i][stage] = Math.min(best[i][stage], times[stage]);
    });
  }
  console.log(
    `CPU ms of one thread, ${values.type}: tower (2 tiles), prefill (${PROMPT} and more), one token of the answer`,
  );
  best.forEach((times, i) => {
    const cells = Object.entries(times).map(
      ([stage, ms]) => `${stage} ${ms.toFixed(1)} (${(ms / best[0][stage]).toFixed(3)})`,
    );
    console.log(`${basename(addons[i]).padEnd(36)} ${cells.join('  ')}`);
  });
}

if (process.argv[2] === '--measure')
  console.log(JSON.stringify(await measure(process.argv[3], process.argv[4])));
else await compare();
