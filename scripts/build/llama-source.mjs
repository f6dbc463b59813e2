/**
 * Puts llama.cpp's source of scripts/build/llama-source.json under .build/ and prints where it is.
 *
 * The npm package node-llama-cpp carries llama.cpp's tree as a git bundle. Only that tarball is fetched,
 * with `npm pack`, so that the user's registry settings hold (installing the package would pull 640 MB of
 * binaries). Its hash is checked here, our patches are applied, the tree appears under its final name only
 * when it is complete, and stays there: the second call is instant.
 *
 * LLAVAOV_LLAMA_SRC (or --source) names a llama.cpp tree to use as it is (never patched), or the tarball,
 * for machines without a network.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from './failure.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PIN = JSON.parse(readFileSync(new URL('llama-source.json', import.meta.url), 'utf8'));
const BUNDLE = 'package/llama/gitRelease.bundle';
/** What the build reads, and the licences. */
const PARTS = [
  'CMakeLists.txt',
  'LICENSE',
  'AUTHORS',
  'licenses',
  'cmake',
  'include',
  'src',
  'ggml',
];
/** What the interop tests build, and the server of the remote backend. */
const PROGRAM_PARTS = [
  'vendor',
  'common',
  'tools/mtmd',
  'tools/quantize',
  'tools/gguf-split',
  'tools/rpc',
];
const CONTENT_FILE = '.llava-onevision-content';
/** What that file says of a complete tree. */
const contentOf = ({ commit, patches = [] }) =>
  [commit, ...PARTS, ...PROGRAM_PARTS, ...patches.map(({ sha256 }) => sha256)].join('\n');

/**
 * @param options.source a llama.cpp tree or the tarball; fetched when empty
 * @param options.parent the folder to keep the tree in
 * @param options.say gets a line before each slow step
 * @returns the tree's folder @throws Failure
 */
export function llamaSource(options = {}) {
  const { parent = path.join(ROOT, '.build'), pin = PIN, say = console.error } = options;
  const source = options.source ?? process.env.LLAVAOV_LLAMA_SRC;
  const given = source ? path.resolve(source) : undefined;
  if (given && isFolder(given)) return checkTree(given);
  const tree = path.join(parent, `llama.cpp-${pin.tag}`);
  if (isComplete(tree, pin)) return tree;

  mkdirSync(parent, { recursive: true });
  const temporary = mkdtempSync(path.join(parent, 'unpack-'));
  try {
    if (given && !existsSync(given))
      throw new Failure(`LLAVAOV_LLAMA_SRC: ${given} does not exist.`);
    const tarball = given ?? fetchTarball(temporary, pin, say);
    checkIntegrity(tarball, pin);
    say(`Unpacking llama.cpp ${pin.tag}`);
    moveInPlace(unpack(tarball, temporary, pin), tree, pin);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return tree;
}

function isFolder(file) {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function checkTree(tree) {
  if (existsSync(path.join(tree, 'include/llama.h'))) return tree;
  throw new Failure(`${tree} is no llama.cpp source tree: it has no include/llama.h.`);
}

function isComplete(tree, pin) {
  const file = path.join(tree, CONTENT_FILE);
  return existsSync(file) && readFileSync(file, 'utf8') === contentOf(pin);
}

/** Runs a program to its end; `explain` says what to tell the user when it is missing or fails. */
function run(command, args, { explain, cwd, shell = false }) {
  // A surrounding repository (this may run in one of its hooks) is not the one meant here.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|INDEX_FILE)$/.test(name)),
  );
  const result = spawnSync(command, args, {
    cwd,
    env,
    shell,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (result.status === 0) return result.stdout;
  const output = result.error ? String(result.error.message) : `${result.stdout}${result.stderr}`;
  throw new Failure(`${explain}\n\n  ${command} ${args.join(' ')}\n${output.trim().slice(-2000)}`);
}

export function fetchTarball(folder, pin, say) {
  const spec = `${pin.package}@${pin.version}`;
  say(`Fetching llama.cpp ${pin.tag} (inside ${spec}, 36 MB)`);
  // Under npm, its own client; under another package manager, the npm on the path.
  const client = process.env.npm_execpath ?? '';
  const isNpm = /npm-cli\.c?js$/.test(client);
  const args = ['pack', spec, '--pack-destination', folder, '--loglevel', 'error'];
  const explain =
    `Could not fetch ${spec} with npm. llama.cpp's source is taken from that package: check the network and ` +
    'the registry settings, or give its tarball or a llama.cpp tree in LLAVAOV_LLAMA_SRC.';
  // npm is a .cmd file on Windows, which only a shell starts.
  if (isNpm) run(process.execPath, [client, ...args], { explain, cwd: folder });
  else run('npm', args, { explain, cwd: folder, shell: process.platform === 'win32' });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (!tarball) throw new Failure(explain);
  return path.join(folder, tarball);
}

export function checkIntegrity(tarball, pin) {
  const received = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (received === pin.integrity) return;
  throw new Failure(
    `${tarball} is not ${pin.package} ${pin.version} as published.\n` +
      `  expected ${pin.integrity}\n  received ${received}\nNothing of it was used.`,
  );
}

function unpack(tarball, temporary, pin) {
  run('cmake', ['-E', 'tar', 'xzf', tarball, BUNDLE], {
    cwd: temporary,
    explain: `Could not unpack ${BUNDLE} of ${tarball}; this takes CMake (https://cmake.org).`,
  });
  const repository = path.join(temporary, 'repository');
  const explain = "Could not read llama.cpp's git bundle; this takes git (https://git-scm.com).";
  run('git', ['clone', '--quiet', '--bare', path.join(temporary, BUNDLE), repository], { explain });
  const git = (...args) => run('git', [`--git-dir=${repository}`, ...args], { explain });
  const commit = git('rev-parse', 'HEAD').trim();
  if (!commit.startsWith(pin.commit)) {
    throw new Failure(`The bundle holds llama.cpp ${commit}, expected ${pin.commit} (${pin.tag}).`);
  }
  const tree = path.join(temporary, 'tree');
  mkdirSync(tree);
  const found = git('ls-tree', '--name-only', 'HEAD', '--', ...PARTS, ...PROGRAM_PARTS);
  const settings = ['-c', 'core.autocrlf=false', '-c', 'core.bare=false', `--work-tree=${tree}`];
  git(...settings, 'checkout', '--quiet', 'HEAD', '--', ...found.trim().split('\n'));
  for (const patch of pin.patches ?? []) applyPatch(patch, tree, repository);
  writeFileSync(path.join(tree, CONTENT_FILE), contentOf(pin));
  return tree;
}

/** @param patch.file beside this script @throws Failure */
function applyPatch({ file, sha256 }, tree, repository) {
  const patch = fileURLToPath(new URL(file, import.meta.url));
  const received = createHash('sha256').update(readFileSync(patch)).digest('hex');
  if (received !== sha256) {
    throw new Failure(
      `${patch} is not the patch that llama-source.json names.\n  expected ${sha256}\n  received ${received}`,
    );
  }
  // With the clone's own folder: inside another repository git would skip every file, without an error.
  run(
    'git',
    [`--git-dir=${repository}`, '-c', 'core.bare=false', '--work-tree=.', 'apply', patch],
    {
      cwd: tree,
      explain: `${file} does not fit llama.cpp's source.`,
    },
  );
}

function moveInPlace(tree, target, pin) {
  rmSync(target, { recursive: true, force: true });
  try {
    renameSync(tree, target);
  } catch (error) {
    // Another process was faster; its tree is as good.
    if (!isComplete(target, pin)) throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    const { values } = parseArgs({ options: { source: { type: 'string' } } });
    console.log(llamaSource(values));
  });
}
