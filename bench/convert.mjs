// Times the converter on a checkpoint of true shapes: each type against `cp` of its output plus a read of its input on
// the same disk, all of them from and to the disk (caches dropped before, synced after). Prints a table.
//
//   node bench/convert.mjs [--checkpoint DIR] [--size 0.5b|7b] [--types f16,q4_k_m] [--dir DIR]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeShapeTrue } from './make-shape-true.mjs';

const { values } = parseArgs({
  options: {
    checkpoint: { type: 'string' },
    size: { type: 'string', default: '0.5b' },
    types: { type: 'string', default: 'f16,bf16,q8_0,q4_k_m' },
    dir: { type: 'string', default: tmpdir() },
  },
});

/** What the measured process runs: its own peak memory is only known inside it. */
const CHILD = `
  import { convert } from '${join(import.meta.dirname, '../dist/src/convert/convert.js')}';
  const [checkpoint, outdir, type] = process.argv.slice(1);
  const outtype = type, mmprojOuttype = /^q|^i|^t/.test(type) ? 'q8_0' : type;
  const { model, mmproj, durationMs } = await convert({ checkpoint, outdir, name: 'bench', outtype, mmprojOuttype });
  const rss = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ files: [model.path, mmproj.path], durationMs, rss }));
`;

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const seconds = (work) => {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
};

/** Makes the next read of these files come from the disk. */
function dropCached(files) {
  for (const file of files) run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}

function copyTime(files, folder) {
  run('sync', ['-f', folder]);
  dropCached(files);
  return seconds(() => {
    run('cp', [...files, folder]);
    run('sync', ['-f', folder]);
  });
}

function readTime(files) {
  dropCached(files);
  return seconds(() => run('sh', ['-c', 'cat "$@" > /dev/null', 'cat', ...files]));
}

const root = mkdtempSync(join(values.dir, 'bench-convert-'));
try {
  const checkpoint = values.checkpoint ?? join(root, 'checkpoint');
  if (!existsSync(checkpoint)) makeShapeTrue(checkpoint, values.size);
  const weights = readdirSync(checkpoint)
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => join(checkpoint, name));
  const gigabytes = (files) => files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e9;
  const readSeconds = readTime(weights);
  console.log(
    `${cpus().length} cores, checkpoint of ${gigabytes(weights).toFixed(2)} GB, read in ${readSeconds.toFixed(1)} s\n`,
  );
  console.log(
    '| type | output GB | convert s | cp of the output s | convert / (cp + read) | peak MB |',
  );
  console.log('|---|---|---|---|---|---|');
  for (const type of values.types.split(',')) {
    const outdir = join(root, type);
    const copies = join(root, 'copies');
    mkdirSync(copies, { recursive: true });
    run('sync', ['-f', root]);
    dropCached(weights);
    const args = ['--input-type=module', '-e', CHILD, checkpoint, outdir, type];
    const { files, durationMs, rss } = JSON.parse(run(process.execPath, args));
    const copySeconds = copyTime(files, copies);
    const ratio = durationMs / 1000 / (copySeconds + readSeconds);
    const cells = [
      type,
      gigabytes(files).toFixed(2),
      (durationMs / 1000).toFixed(1),
      copySeconds.toFixed(1),
    ];
    console.log(`| ${[...cells, ratio.toFixed(2), (rss / 1e6).toFixed(0)].join(' | ')} |`);
    for (const folder of [outdir, copies]) rmSync(folder, { recursive: true });
  }
} finally {
  rmSync(root, { recursive: true });
}
