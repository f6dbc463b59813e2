/**
 * Gathers the licences of all that is compiled into the addon (`node scripts/release/licences.mjs [--backend cuda]`): of this
 * package, llama.cpp, the headers of Node-API, the notices inside those of llama.cpp's sources that the backends are made of, and
 * what a GPU's toolkit adds. Whatever is expected and absent is an error, so that a new version of llama.cpp cannot drop one unseen.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';
import { llamaSource, PIN } from '../build/llama-source.mjs';
import { plain, toolkitLicences } from './toolkit-licences.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE = /\.(c|h|cc|cpp|hpp|m|metal|cu|cuh|comp|inc)$/;
/** Sources of a backend that no build of ours compiles (CMake fetches what the first needs only when asked to). */
const NOT_COMPILED = /[\\/](kleidiai|spacemit|hbm|cmake)[\\/]|ggml-(cann|sycl)\.h$/;
const NOTICE = /copyright\b.*\d{4}|licen[sc]ed?\b.*\b(mit|apache|bsd)|spdx-license-identifier/i;

/**
 * @param {{ backend?: string, tree?: string }} options a GPU backend that is compiled in, llama.cpp's tree
 * @returns [{ name, version, licence, text }] @throws Failure naming what is missing
 */
export function licences({ backend, tree = llamaSource() } = {}) {
  const manifest = readManifest(ROOT);
  const llama = { name: 'llama.cpp and ggml', version: PIN.tag, licence: 'MIT' };
  return [
    { ...manifest, text: read(path.join(ROOT, 'LICENSE')) },
    { ...llama, text: read(path.join(tree, 'LICENSE')) },
    ...notices(tree, backend).map((notice) => ({ ...notice, version: PIN.tag })),
    ...['node-addon-api', 'node-api-headers'].map(nodePackage),
    ...toolkitLicences(backend),
  ];
}

/** One text of all. @param {{ backend?: string, tree?: string }} options */
export function licenceFile(options) {
  const parts = licences(options).map(({ name, version, licence, text }) => {
    const title = [name, version, `(${licence})`].filter(Boolean).join(' ');
    return `${title}\n${'='.repeat(title.length)}\n\n${text.trim()}\n`;
  });
  return `The addon of this package contains the following.\n\n\n${parts.join('\n\n')}`;
}

function read(file) {
  if (!existsSync(file)) throw new Failure(`A licence is missing: ${file} does not exist.`);
  return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
}

function readManifest(folder) {
  const { name, version, license } = JSON.parse(read(path.join(folder, 'package.json')));
  return { name, version, licence: license };
}

function nodePackage(name) {
  const folder = path.join(ROOT, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => /^licen[sc]e(\.\w+)?$/i.test(entry));
  if (!file) throw new Failure(`A licence is missing: ${name} has no LICENSE file.`);
  return { ...readManifest(folder), text: read(path.join(folder, file)) };
}

/** Comments of llama.cpp's sources that speak of a copyright or licence, each once, with the files they are in. */
function notices(tree, backend) {
  const folders = ['src', 'ggml/include', 'ggml/src', 'ggml/src/ggml-cpu'];
  const own = {
    cuda: 'ggml/src/ggml-cuda',
    vulkan: 'ggml/src/ggml-vulkan',
    metal: 'ggml/src/ggml-metal',
  };
  if (backend && !own[backend]) throw new Failure(`No such backend: ${backend}`);
  if (backend) folders.push(own[backend]);
  const byText = new Map();
  for (const folder of folders) {
    for (const file of sourcesIn(path.join(tree, folder), folder !== 'ggml/src')) {
      for (const text of noticesOf(read(file))) {
        const name = path.relative(tree, file).replaceAll('\\', '/');
        byText.set(text, [...(byText.get(text) ?? []), name]);
      }
    }
  }
  return [...byText].map(([text, files]) => ({
    name: files.join(', '),
    licence: 'notice in the source',
    text,
  }));
}

function sourcesIn(folder, isDeep) {
  if (!existsSync(folder)) throw new Failure(`llama.cpp's sources are missing: ${folder}`);
  return readdirSync(folder, { recursive: isDeep })
    .filter((file) => SOURCE.test(file) && !NOT_COMPILED.test(`/${file}`))
    .sort()
    .map((file) => path.join(folder, file));
}

function noticesOf(source) {
  const comments = source.match(/(?:^[ \t]*\/\/.*\n?)+|\/\*[\s\S]*?\*\//gm) ?? [];
  return comments.filter((comment) => NOTICE.test(comment)).map(plain);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    const { values } = parseArgs({ options: { backend: { type: 'string' } } });
    process.stdout.write(licenceFile(values));
  });
}
