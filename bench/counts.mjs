// Instructions of a layer of a tile and of a prompt (32 rows of each) and of a token, by our kernels, counted by Valgrind,
// beside those of counts.json: what a noisy machine hides shows here. Ends with status 1 where one has grown by more than 3 %.
//
//   npm run bench:counts -- [--only tile|prefill|token] [--write]
//
// Valgrind knows AVX2 and no more, so ggml and the kernels are compiled for that, in a build tree of their own; the loops are
// the same source at every width. Counts depend on the compiler: --write stores its version beside them.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseBuildArguments } from '../scripts/build/build-options.mjs';
import { CmakeTree } from '../scripts/build/cmake-tree.mjs';
import { main } from '../scripts/build/failure.mjs';
import { cpuVariants } from '../scripts/release/cpu-variants.mjs';
import { scriptArgs } from '../scripts/script-args.mjs';

const run = promisify(execFile);
const TREE = join(import.meta.dirname, '../.build/counts');
const PROGRAM = join(TREE, 'kernels/kernels-counts');
const KEPT = join(import.meta.dirname, 'counts.json');
const LAYERS = ['tile', 'prefill', 'token'];
const TYPES = ['q8_0', 'q4_K', 'f16'];
const MOST = 1.03;

const { values: options } = scriptArgs(import.meta.filename, {
  options: { only: { type: 'string' }, write: { type: 'boolean', default: false } },
});

async function build() {
  const { defines } = cpuVariants('linux', 'x64').find(({ name }) => name === 'x64-v3');
  const cmake = new CmakeTree(TREE, parseBuildArguments(['--no-native']));
  try {
    await cmake.configure(defines);
    await cmake.compile(['kernels-counts'], 'the kernels for AVX2');
  } finally {
    cmake.close();
  }
}

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
  for (const layer of options.only ? [options.only] : LAYERS) {
    for (const type of TYPES.filter((name) => isKind(layer, name))) {
      counts[`${layer} ${type}`] = await count(layer, type);
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  return counts;
}

const readKept = () => JSON.parse(readFileSync(KEPT, 'utf8'));

function keep(compiler, counts) {
  const before = options.only ? readKept().counts : {};
  const kept = { compiler, counts: { ...before, ...counts } };
  writeFileSync(KEPT, `${JSON.stringify(kept, null, 2)}\n`);
}

function compare(compiler, counts) {
  const kept = readKept();
  if (kept.compiler !== compiler) process.stdout.write(`kept ones are of ${kept.compiler}\n`);
  for (const [name, now] of Object.entries(counts)) {
    const ratio = now / kept.counts[name];
    const millions = (now / 1e6).toFixed(1).padStart(9);
    const said = name in kept.counts ? ratio.toFixed(3) : 'not kept yet: --write';
    process.stdout.write(`${name.padEnd(14)} ${millions} M  ${said}\n`);
    if (ratio > MOST) process.exitCode = 1;
  }
}

await main(async () => {
  await build();
  const compiler = (await run('c++', ['--version'])).stdout.split('\n')[0];
  const counts = await countAll();
  if (options.write) keep(compiler, counts);
  else compare(compiler, counts);
});
