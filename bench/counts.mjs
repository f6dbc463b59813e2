// Instructions of a layer of a tile, of a prompt of 512 and of a token, counted by Valgrind, beside those of counts.json: what
// a noisy machine hides shows here. Ends with status 1 where one has grown by more than 3 %.
//
//   npm run build:native -- --kernel-tests && node bench/counts.mjs [--write]
//
// Valgrind knows AVX2 and no more, so the loops are those of x64-v3; they are the same source at every width. Counts depend on
// the compiler: --write says so by storing its version.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, '../.build/cmake/kernels/kernels-counts-x64-v3');
const KEPT = join(import.meta.dirname, 'counts.json');
const LAYERS = ['tile', 'prefill', 'token'];
const TYPES = ['q8_0', 'q4_K', 'f16'];
const MOST = 1.03;

const { values: options } = parseArgs({ options: { write: { type: 'boolean', default: false } } });

async function count(layer, type) {
  const folder = mkdtempSync(join(tmpdir(), 'llava-onevision-counts-'));
  const out = join(folder, 'out');
  try {
    await run('valgrind', [
      '--tool=callgrind',
      '--toggle-collect=ggml_graph_compute',
      `--callgrind-out-file=${out}`,
      PROGRAM,
      layer,
      type,
    ]);
    return Number(/^summary: (\d+)/m.exec(readFileSync(out, 'utf8'))[1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A tower has no K-quants. */
const isKind = (layer, type) => layer !== 'tile' || !type.includes('_K');

async function countAll() {
  const counts = {};
  for (const layer of LAYERS) {
    for (const type of TYPES.filter((name) => isKind(layer, name))) {
      counts[`${layer} ${type}`] = await count(layer, type);
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  return counts;
}

if (!existsSync(PROGRAM)) {
  process.stderr.write(`There is no ${PROGRAM}: npm run build:native -- --kernel-tests\n`);
  process.exit(2);
}
const compiler = (await run('c++', ['--version'])).stdout.split('\n')[0];
const counts = await countAll();
if (options.write) {
  writeFileSync(KEPT, `${JSON.stringify({ compiler, counts }, null, 2)}\n`);
} else {
  const kept = JSON.parse(readFileSync(KEPT, 'utf8'));
  if (kept.compiler !== compiler) process.stdout.write(`kept ones are of ${kept.compiler}\n`);
  for (const [name, now] of Object.entries(counts)) {
    const ratio = now / kept.counts[name];
    process.stdout.write(
      `${name.padEnd(14)} ${(now / 1e6).toFixed(1).padStart(9)} M  ${ratio.toFixed(3)}\n`,
    );
    if (ratio > MOST) process.exitCode = 1;
  }
}
