/** The options of build-native.mjs: reading them, and what they mean to CMake. */
import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, UsageFailure } from './failure.mjs';

export const USAGE = `npm run build:native -- [options] [-- -DNAME=VALUE...]

Builds the native addon into build/Release/llava-onevision.node; does nothing when it is up to date.

  --cuda        NVIDIA GPUs (needs the CUDA toolkit)
  --vulkan      GPUs through Vulkan (needs the Vulkan SDK)
  --metal       Apple GPUs (on by default on macOS; --no-metal leaves it out)
  --rpc         llama.cpp's remote backend, and its server beside the addon
  --no-native   no instruction sets beyond the platform's common ones, for binaries that travel
  --debug       with assertions and symbols
  --interop     also llama.cpp's own readers of our files (tests)
  --kernel-tests  also what compares our kernels with ggml's, for each instruction set (tests)
  --cpu-features  instead of the addon, what tells the CPUs of prebuilt addons apart
  --tree NAME   where under .build/ to compile: builds that share a tree compile anew only what differs
  --ggml-libs D link with shared libraries of the same llama.cpp in folder D instead of compiling it (tests)
  --jobs N      compile N files at once (default: every core)
  --quiet       without progress
  --clean       start from nothing
  --refresh     the options of the last build; nothing else may be given
  -- -DX=Y      anything else for CMake

The same options in LLAVAOV_BUILD_FLAGS, with spaces between or as a list in JSON, hold for npm install, node-gyp and
wherever none are given.`;

const FLAGS = {
  cuda: { type: 'boolean', default: false },
  vulkan: { type: 'boolean', default: false },
  metal: { type: 'boolean', default: process.platform === 'darwin' },
  rpc: { type: 'boolean', default: false },
  native: { type: 'boolean', default: true },
  debug: { type: 'boolean', default: false },
  interop: { type: 'boolean', default: false },
  'kernel-tests': { type: 'boolean', default: false },
  'cpu-features': { type: 'boolean', default: false },
  tree: { type: 'string' },
  'ggml-libs': { type: 'string', default: '' },
  quiet: { type: 'boolean', default: false },
  clean: { type: 'boolean', default: false },
  refresh: { type: 'boolean', default: false },
  jobs: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
};

/** The options that the environment gives. @throws Failure */
export function environmentFlags({ LLAVAOV_BUILD_FLAGS: text = '' } = process.env) {
  if (!text.startsWith('[')) return text.split(/\s+/).filter(Boolean);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure(`LLAVAOV_BUILD_FLAGS is no list in JSON (${error.message}): ${text}`);
  }
}

/** @returns the flags, `jobs` as a number, `defines` (what follows --) and `given` (the arguments themselves) */
export function parseBuildArguments(given) {
  const separator = given.indexOf('--');
  const own = separator < 0 ? given : given.slice(0, separator);
  const defines = separator < 0 ? [] : given.slice(separator + 1);
  let values;
  try {
    ({ values } = parseArgs({ args: own, options: FLAGS, allowNegative: true }));
  } catch (error) {
    throw new UsageFailure(`${error.message}\n\n${USAGE}`);
  }
  const wrong = defines.find((define) => !/^-D\w+(:\w+)?=/.test(define));
  if (wrong !== undefined) throw new UsageFailure(`After -- only -DNAME=VALUE: ${wrong}`);
  if (values.refresh && given.length > 1) throw new UsageFailure('--refresh takes no other option.');
  const jobs = values.jobs === undefined ? os.availableParallelism() : Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new UsageFailure(`--jobs takes a count: ${values.jobs}`);
  // What is remembered for --refresh: all that shapes the product.
  const lasting = given.filter(
    (_, i) => !['--clean', '--jobs', '--quiet'].includes(given[i]) && given[i - 1] !== '--jobs',
  );
  return { ...values, jobs, defines, given: lasting.filter((flag) => !flag.startsWith('--jobs=')) };
}

/** CMake's definitions for the options. */
export function cmakeDefines(options) {
  const onOff = (name, value) => `-DLLAVAOV_${name}=${value ? 'ON' : 'OFF'}`;
  return [
    onOff('NATIVE', options.native),
    onOff('CUDA', options.cuda),
    onOff('METAL', options.metal),
    onOff('VULKAN', options.vulkan),
    onOff('RPC', options.rpc),
    onOff('INTEROP', options.interop),
    `-DLLAVAOV_GGML_LIBS=${options['ggml-libs'] && path.resolve(options['ggml-libs'])}`,
    ...options.defines,
  ];
}

/** Each set of backends has a build tree of its own, so that going back and forth compiles nothing twice. */
export function treeName(options) {
  if (options.tree) return options.tree;
  const parts = ['cmake'];
  for (const backend of ['cuda', 'vulkan', 'rpc', 'debug'])
    if (options[backend]) parts.push(backend);
  if (options.metal !== FLAGS.metal.default) parts.push(options.metal ? 'metal' : 'no-metal');
  if (!options.native) parts.push('portable');
  if (options['ggml-libs']) parts.push('shared');
  if (options.defines.length > 0) {
    parts.push(createHash('sha256').update(options.defines.join('\0')).digest('hex').slice(0, 8));
  }
  return parts.join('-');
}
