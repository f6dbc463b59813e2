/**
 * Compiles the addon with AddressSanitizer and UndefinedBehaviorSanitizer into a tree of its own, and runs the addon's tests and
 * the fuzzing on it (`npm run sanitize`). Linux with GCC; not part of npm test: it compiles llama.cpp once more, and takes
 * about ten times as long.
 *
 *   npm run sanitize -- [--seconds 600] [--seed N] [--no-tests]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installProduct } from './build/build-native.mjs';
import { parseBuildArguments } from './build/build-options.mjs';
import { CmakeTree } from './build/cmake-tree.mjs';
import { Failure, main } from './build/failure.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PRODUCT = path.join(ROOT, 'build/sanitize/llava-onevision.node');
const FLAGS = '-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all';
/** A Debug build keeps its symbols, for the stacks; it is made fast enough to be used. */
const FAST = '-O2 -g1 -DNDEBUG';

async function compile() {
  const defines = ['C', 'CXX'].flatMap((language) => [
    `-DCMAKE_${language}_FLAGS=${FLAGS}`,
    `-DCMAKE_${language}_FLAGS_DEBUG=${FAST}`,
  ]);
  const options = parseBuildArguments(['--debug', '--tree', 'sanitize', '--', ...defines]);
  const cmake = new CmakeTree(path.join(ROOT, '.build/sanitize'), options);
  try {
    await cmake.configure();
    await cmake.compile(['llava-onevision']);
    installProduct(cmake.product('llava-onevision'), { options: options.given }, PRODUCT);
  } finally {
    cmake.close();
  }
}

/** The runtime has to be there before Node is, with the C++ library whose exceptions it watches. */
function environment() {
  const library = (name) =>
    execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  return {
    ...process.env,
    LD_PRELOAD: [library('libasan.so'), library('libstdc++.so')].join(' '),
    // What lives until the process ends is Node's own.
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1:handle_sigbus=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    LLAVAOV_BINDING: PRODUCT,
    FUZZ_SLOWER: '10',
  };
}

function run(args) {
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: environment(),
    stdio: 'inherit',
  });
  if (status !== 0) throw new Failure(`${args.join(' ')} ended by ${signal ?? status}`);
}

async function sanitize() {
  if (process.platform !== 'linux') throw new Failure('Sanitizers are set up for Linux with GCC.');
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '600' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      tests: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  await compile();
  if (values.tests)
    run(['node_modules/vitest/vitest.mjs', 'run', '--project', 'addon', '--testTimeout', '600000']);
  run(['test/fuzz/run.mjs', '--seconds', values.seconds, '--seed', values.seed]);
}

await main(sanitize);
