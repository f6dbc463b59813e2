/**
 * Compiles the addon with AddressSanitizer and UndefinedBehaviorSanitizer into a tree of its own, and runs the addon's tests and
 * the fuzzing on it (`npm run sanitize`). Linux with GCC; not part of npm test: it compiles llama.cpp once more, and takes
 * about ten times as long. With --kernels it is our CPU kernels for each instruction set, and what compares them with ggml's.
 *
 *   npm run sanitize -- [--seconds 600] [--seed N] [--no-tests]
 *   npm run sanitize -- --kernels
 */
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installProduct } from './build/build-native.mjs';
import { parseBuildArguments } from './build/build-options.mjs';
import { CmakeTree } from './build/cmake-tree.mjs';
import { Failure, main } from './build/failure.mjs';
import { scriptArgs } from './script-args.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TREE = path.join(ROOT, '.build/sanitize');
const PRODUCT = path.join(ROOT, 'build/sanitize/llava-onevision.node');
const FLAGS = '-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all';
/** A Debug build keeps its symbols, for the stacks; it is made fast enough to be used. -O2 compiles ten times as long. */
const FAST = '-O1 -g1 -DNDEBUG';

/** @param take what is to be had of the tree, once it is compiled */
async function compile(target, take) {
  const defines = ['C', 'CXX'].flatMap((language) => [
    `-DCMAKE_${language}_FLAGS=${FLAGS}`,
    `-DCMAKE_${language}_FLAGS_DEBUG=${FAST}`,
  ]);
  const options = parseBuildArguments(['--debug', '--tree', 'sanitize', '--', ...defines]);
  const cmake = new CmakeTree(TREE, options);
  try {
    await cmake.configure();
    await cmake.compile([target]);
    take(cmake, options);
  } finally {
    cmake.close();
  }
}

/** What lives until the process ends is Node's own. */
const ASAN_OPTIONS = 'detect_leaks=0:allocator_may_return_null=1:handle_sigbus=0';

/** The runtime has to be there before Node is, with the C++ library whose exceptions it watches. */
function addonEnvironment() {
  const library = (name) =>
    execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  return {
    LD_PRELOAD: [library('libasan.so'), library('libstdc++.so')].join(' '),
    ASAN_OPTIONS,
    LLAVAOV_BINDING: PRODUCT,
    FUZZ_SLOWER: '10',
  };
}

function run(args, env) {
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1', ...env },
    stdio: 'inherit',
  });
  if (status !== 0) throw new Failure(`${args.join(' ')} ended by ${signal ?? status}`);
}

const tests = (project) => ['node_modules/vitest/vitest.mjs', 'run', '--project', project];

async function sanitizeKernels() {
  await compile('llava-onevision-kernel-tests', () => {});
  run(tests('kernels'), {
    LLAVAOV_KERNELS: JSON.stringify({ folder: path.join(TREE, 'kernels') }),
  });
}

async function sanitizeAddon(values) {
  await compile('llava-onevision', (cmake, { given }) =>
    installProduct(cmake.product('llava-onevision'), { options: given }, PRODUCT),
  );
  const env = addonEnvironment();
  if (values.tests) run([...tests('addon'), '--testTimeout', '600000'], env);
  run(['test/fuzz/run.mjs', '--seconds', values.seconds, '--seed', values.seed], env);
}

async function sanitize() {
  const { values } = scriptArgs(import.meta.filename, {
    options: {
      seconds: { type: 'string', default: '600' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      tests: { type: 'boolean', default: true },
      kernels: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  if (process.platform !== 'linux') throw new Failure('Sanitizers are set up for Linux with GCC.');
  await (values.kernels ? sanitizeKernels() : sanitizeAddon(values));
}

await main(sanitize);
