/**
 * Compiles the addon (`npm run build:native`): checks the tools, fetches llama.cpp's source, configures with
 * cmake-js, compiles with a progress bar, puts the product at build/Release/llava-onevision.node.
 *
 * Everything but the product lives under .build/. Beside the product stands a stamp of all that went into it; when that
 * has not changed there is nothing to do.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  cmakeDefines,
  environmentFlags,
  parseBuildArguments,
  treeName,
  USAGE,
} from './build-options.mjs';
import { CmakeTree } from './cmake-tree.mjs';
import { Failure, main } from './failure.mjs';
import { PIN } from './llama-source.mjs';
import { checkToolchain } from './toolchain.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RELEASE = path.join(ROOT, 'build/Release');
const PRODUCT = path.join(RELEASE, 'llava-onevision.node');
const RPC_SERVER = `ggml-rpc-server${process.platform === 'win32' ? '.exe' : ''}`;
const stampFile = (product) => product.replace(/\.node$/, '.json');
const require = createRequire(import.meta.url);

/** Undefined also where the stamp is damaged, so that it is made again. */
export function readStamp(product = PRODUCT) {
  const file = stampFile(product);
  if (!existsSync(product) || !existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
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

/** @param made by the compiler @param product where it goes, with the stamp beside it */
export function installProduct(made, stamp, product = PRODUCT) {
  mkdirSync(path.dirname(product), { recursive: true });
  replace(product, (temporary) => copyFileSync(made, temporary));
  const text = `${JSON.stringify(stamp, null, 2)}\n`;
  replace(stampFile(product), (temporary) => writeFileSync(temporary, text));
}

/** @param made by the compiler; false: there is none to this addon */
function installServer(made) {
  const server = path.join(RELEASE, RPC_SERVER);
  if (!made) return rmSync(server, { force: true });
  mkdirSync(RELEASE, { recursive: true });
  replace(server, (temporary) => copyFileSync(made, temporary));
  console.error(`Built ${path.relative(ROOT, server)}`);
}

/** Whole or not at all: another process may have the old one loaded. */
function replace(file, write) {
  const temporary = `${file}-${process.pid}.tmp`;
  try {
    write(temporary);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new Failure(`Could not replace ${file} (is it in use?): ${error.message}`);
  }
}

function chosenOptions() {
  const fromEnvironment = environmentFlags();
  const given = process.argv.slice(2);
  const options = parseBuildArguments(given.length > 0 ? given : fromEnvironment);
  if (!options.refresh) return options;
  return parseBuildArguments(readStamp()?.options ?? fromEnvironment);
}

async function build() {
  const options = chosenOptions();
  if (options.help) return console.log(USAGE);
  const target = options['cpu-features'] ? 'cpu-features' : 'llava-onevision';
  const product = path.join(RELEASE, `${target}.node`);
  const stamp = stampOf(options);
  const isRefresh = process.argv.includes('--refresh'); // of the addon alone
  const wantsPrograms = !isRefresh && (options.interop || options['kernel-tests']);
  if (!options.clean && !wantsPrograms && readStamp(product)?.stamp === stamp) return;
  checkToolchain(options);
  const tree = path.join(ROOT, '.build', treeName(options));
  if (options.clean) rmSync(tree, { recursive: true, force: true });
  // Beside the addon: other machines run it for this one.
  const withServer = options.rpc && !options['ggml-libs'] && target === 'llava-onevision';
  const targets = [
    target,
    ...(withServer ? ['ggml-rpc-server'] : []),
    ...(options.interop ? ['llava-onevision-interop'] : []),
    ...(options['kernel-tests'] ? ['llava-onevision-kernel-tests'] : []),
  ];
  const cmake = new CmakeTree(tree, options);
  try {
    await cmake.configure();
    await cmake.compile(targets);
    if (target === 'llava-onevision') installServer(withServer && path.join(tree, 'rpc', RPC_SERVER));
    installProduct(cmake.product(target), { stamp, options: options.given }, product);
  } finally {
    cmake.close();
  }
  console.error(`Built ${path.relative(ROOT, product)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(build);
