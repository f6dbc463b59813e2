/**
 * Compiles the addon (`npm run build:native`): checks the tools, fetches llama.cpp's source, configures with
 * cmake-js, compiles with a progress bar, puts the product at build/Release/llava-onevision.node.
 *
 * Everything but the product lives under .build/, because node-gyp empties build/. Beside the product stands
 * a stamp of all that went into it; when that has not changed there is nothing to do.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmakeDefines, parseBuildArguments, treeName, USAGE } from './build-options.mjs';
import { Failure, main } from './failure.mjs';
import { llamaSource, PIN } from './llama-source.mjs';
import { createProgress } from './progress.mjs';
import { checkToolchain, cudaDefines, diagnoseConfigure } from './toolchain.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RELEASE = path.join(ROOT, 'build/Release');
const PRODUCT = path.join(RELEASE, 'llava-onevision.node');
const STAMP_FILE = path.join(RELEASE, 'llava-onevision.json');
const LOG = path.join(ROOT, '.build/build.log');
const require = createRequire(import.meta.url);

function readStamp() {
  if (!existsSync(PRODUCT) || !existsSync(STAMP_FILE)) return undefined;
  return JSON.parse(readFileSync(STAMP_FILE, 'utf8'));
}

/** A hash of all that shapes the product. */
function stampOf(options) {
  const hash = createHash('sha256');
  const files = readdirSync(path.join(ROOT, 'native'), { recursive: true }).sort();
  for (const file of ['CMakeLists.txt', ...files.map((name) => path.join('native', name))]) {
    if (/\.(cc|h|txt)$/.test(file)) hash.update(file).update(readFileSync(path.join(ROOT, file)));
  }
  const facts = [PIN, cmakeDefines(options), options.debug, process.platform, process.arch];
  facts.push(process.env.LLAVAOV_LLAMA_SRC, require('node-addon-api').version);
  return hash.update(JSON.stringify(facts)).digest('hex');
}

/** Runs a program with its output in the log. @param onLine gets each line @returns the exit status */
function runLogged(command, args, { log, onLine = () => {}, env = {} }) {
  writeSync(log, `\n> ${command} ${args.join(' ')}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    const take = (chunk) => {
      writeSync(log, chunk);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) onLine(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', resolve);
  });
}

function logTail(lines) {
  return readFileSync(LOG, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

async function configure(tree, options, log) {
  console.error(`Configuring ${path.relative(ROOT, tree)}`);
  const defines = [...cmakeDefines(options), `-DLLAMA_CPP_DIR=${llamaSource()}`];
  if (options.cuda) defines.push(...cudaDefines(options.defines));
  const cmakeJs = path.join(path.dirname(require.resolve('cmake-js/package.json')), 'bin/cmake-js');
  const kind = options.debug ? 'Debug' : 'Release';
  const args = [cmakeJs, 'configure', '--out', tree, '--config', kind, '--', ...defines];
  const status = await runLogged(process.execPath, args, { log });
  if (status === 0) return;
  const hint = diagnoseConfigure(readFileSync(LOG, 'utf8'), options);
  throw new Failure(
    `CMake could not configure the build; the end of ${LOG}:\n\n${logTail(30)}\n${hint ? `\n${hint}` : ''}`,
  );
}

/** How far a build is by a line of Ninja's ([12/80]) or Make's ([ 15%]) output. */
export function buildFraction(line) {
  const ninja = /^\[(\d+)\/(\d+)\]/.exec(line);
  if (ninja) return Number(ninja[1]) / Number(ninja[2]);
  const make = /^\[ *(\d+)%\]/.exec(line);
  return make ? Number(make[1]) / 100 : undefined;
}

async function compile(tree, options, log) {
  const progress = createProgress(`Compiling llama.cpp ${PIN.tag} and the addon`);
  const targets = ['llava-onevision', ...(options.interop ? ['llava-onevision-interop'] : [])];
  const kind = options.debug ? 'Debug' : 'Release';
  const status = await runLogged(
    'cmake',
    ['--build', tree, '--config', kind, '--parallel', String(options.jobs), '--target', ...targets],
    {
      log,
      env: { NINJA_STATUS: '[%f/%t] ' },
      onLine: (line) => {
        const fraction = buildFraction(line);
        if (fraction !== undefined) progress.update(fraction);
      },
    },
  );
  progress.stop();
  if (status !== 0) throw new Failure(`Compiling failed; the end of ${LOG}:\n\n${logTail(40)}`);
  const candidates = [path.join(tree, kind), tree].map((dir) =>
    path.join(dir, 'llava-onevision.node'),
  );
  const product = candidates.find((file) => existsSync(file));
  if (!product) throw new Failure(`The build made no llava-onevision.node in ${tree} (${LOG}).`);
  return product;
}

/** Whole or not at all: another process may have the old one loaded. */
function installProduct(product, stamp) {
  mkdirSync(RELEASE, { recursive: true });
  const temporary = path.join(RELEASE, `llava-onevision-${process.pid}.tmp`);
  copyFileSync(product, temporary);
  try {
    renameSync(temporary, PRODUCT);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new Failure(`Could not replace ${PRODUCT} (is it in use?): ${error.message}`);
  }
  writeFileSync(STAMP_FILE, `${JSON.stringify(stamp, null, 2)}\n`);
}

function chosenOptions() {
  const fromEnvironment = (process.env.LLAVAOV_BUILD_FLAGS ?? '').split(/\s+/).filter(Boolean);
  const given = process.argv.slice(2);
  const options = parseBuildArguments(given.length > 0 ? given : fromEnvironment);
  if (!options.refresh) return options;
  return parseBuildArguments(readStamp()?.options ?? fromEnvironment);
}

async function build() {
  const options = chosenOptions();
  if (options.help) return console.log(USAGE);
  const stamp = stampOf(options);
  if (!options.clean && readStamp()?.stamp === stamp) return;
  checkToolchain(options);
  const tree = path.join(ROOT, '.build', treeName(options));
  if (options.clean) rmSync(tree, { recursive: true, force: true });
  mkdirSync(path.dirname(LOG), { recursive: true });
  const log = openSync(LOG, 'w');
  try {
    await configure(tree, options, log);
    installProduct(await compile(tree, options, log), { stamp, options: options.given });
  } finally {
    closeSync(log);
  }
  console.error(`Built ${path.relative(ROOT, PRODUCT)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(build);
