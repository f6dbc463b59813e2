/**
 * Installs the main package and this platform's from a folder of tarballs into an empty folder, and asks the demonstration's
 * model a question there (`node scripts/release/try-packages.mjs DIR [--gpu NAME]`). With --gpu a GPU package, as
 * linux-x64-cuda, is installed too, and what its backend and 'auto' say is held against each other. Takes npm's registry for
 * the dependencies.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';
import { findTarball } from './notes.mjs';
import { npm } from './npm.mjs';
import { parsePlatform } from './pack-platform.mjs';

const DEMO = fileURLToPath(new URL('../../demo', import.meta.url));
const USAGE = 'Usage: node scripts/release/try-packages.mjs DIR [--gpu NAME]';
const FILES = { model: 'demo-f16.gguf', mmproj: 'mmproj-demo-f16.gguf' };

function node(app, what, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    ...{ cwd: app, encoding: 'utf8' },
  });
  if (status !== 0) throw new Failure(`${what} ended with ${status}:\n${stderr}${stdout}`);
  return stdout;
}

function cli(app, args) {
  const program = path.join(app, 'node_modules/llava-onevision/dist/src/cli/main.js');
  return node(app, `llava-onevision ${args[0]}`, [program, ...args]);
}

function askDemo(app) {
  cli(app, ['convert', path.join(DEMO, 'checkpoint'), '--outdir', '.', '--name', 'demo']);
  const [{ picture, question, answer }] = JSON.parse(
    readFileSync(path.join(DEMO, 'questions.json'), 'utf8'),
  );
  const asked = ['--image', path.join(DEMO, picture), '--prompt', question];
  const files = Object.entries(FILES).flatMap(([flag, file]) => [`--${flag}`, file]);
  const said = cli(app, ['run', ...files, ...asked]).trim();
  if (said !== answer) throw new Failure(`Asked ${question}, it said ${said}, not ${answer}.`);
  console.log(`Node ${process.version}: ${question} ${said}`);
}

/** What a load with the backend tells: model.info.backend, or the error's fields. */
function load(app, backend) {
  const code = `
    import { LlavaOneVision } from 'llava-onevision';
    try {
      const model = await LlavaOneVision.load(${JSON.stringify({ ...FILES, backend })});
      console.log(JSON.stringify(model.info.backend));
      await model.dispose();
    } catch ({ code, message, missing }) {
      console.log(JSON.stringify({ code, message, missing }));
    }`;
  const args = ['--input-type=module', '--eval', code];
  return JSON.parse(node(app, `Loading with '${backend}'`, args).trim().split('\n').at(-1));
}

/**
 * The backend is had, and 'auto' has it too; or it is not, what is missing is said, and 'auto' says of this package why it
 * takes the CPU.
 * @param named what load() gives for the backend @param auto the same for 'auto'
 * @returns what is wrong; undefined where nothing is
 */
export function gpuProblem(name, named, auto) {
  const backend = parsePlatform(name).backend?.replace('cuda12', 'cuda');
  if (named.code === undefined)
    return auto.name === backend ? undefined : `'${backend}' is had, but 'auto' takes ${auto.name}`;
  if (named.code !== 'ERR_BACKEND_UNAVAILABLE') return named.message;
  if (!['driver', 'device', 'library'].includes(named.missing))
    return `the package is installed, but missing is '${named.missing}':\n${named.message}`;
  if (auto.name !== 'cpu') return `'auto' takes ${auto.name ?? auto.message}, not the CPU`;
  const isTold = auto.reason.includes(`@llava-onevision/${name}: `);
  return isTold ? undefined : `'auto' does not say why ${name} is not taken: ${auto.reason}`;
}

function tryGpu(app, name) {
  const { backend } = parsePlatform(name);
  const [named, auto] = [backend.replace('cuda12', 'cuda'), 'auto'].map((one) => load(app, one));
  console.log(`${named.message ?? named.reason}\nauto: ${auto.message ?? auto.reason}`);
  const problem = gpuProblem(name, named, auto);
  if (problem) throw new Failure(problem);
}

async function tryPackages() {
  const { values, positionals } = parseArgs({
    options: { gpu: { type: 'string' } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  if (!folder || (values.gpu && !parsePlatform(values.gpu).backend)) throw new Failure(USAGE);
  const { platformName, thisPlatform } = await import('../../dist/src/addon/platform-packages.js');
  const names = [undefined, platformName(thisPlatform()), ...(values.gpu ? [values.gpu] : [])];
  const tarballs = names.map((name) => findTarball(folder, name));
  const app = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-try-'));
  try {
    writeFileSync(path.join(app, 'package.json'), '{ "private": true }\n');
    npm(['install', '--ignore-scripts', ...tarballs], { cwd: app });
    process.stdout.write(cli(app, ['doctor']));
    askDemo(app);
    if (values.gpu) tryGpu(app, values.gpu);
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(tryPackages);
