/**
 * Makes one platform package from nothing (`node scripts/release/build-package.mjs NAME --out DIR`, NAME as linux-x64-cuda):
 * compiles its builds, checks on Linux that they load where docs/install.md promises, packs, loads what is in the tarball on
 * this CPU, and notes times and sizes beside it. What a job of release.yml does, and works by hand.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';
import { writeNote } from './notes.mjs';
import { unpack } from './npm.mjs';
import { buildsFolder, PACKAGES, packPlatform, parsePlatform, sizesIn } from './pack-platform.mjs';
import { toolkitLicences } from './toolkit-licences.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USAGE = 'Usage: node scripts/release/build-package.mjs NAME --out DIR [-- -DNAME=VALUE...]';

function runNode(args, env = process.env) {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env });
  if (status !== 0) throw new Failure(`${args.join(' ')} failed.`);
}

function build(name, defines) {
  const { platform, arch, backend } = parsePlatform(name);
  const flags = ['--target', `${platform}-${arch}`, '--name', name];
  if (backend) flags.push(`--${backend.replace('cuda12', 'cuda')}`);
  const startedAt = performance.now();
  const rest = defines.length > 0 ? ['--', ...defines] : [];
  runNode(['scripts/release/build-prebuilds.mjs', ...flags, ...rest]);
  return (performance.now() - startedAt) / 1000;
}

/** What the system's loader says where a GPU's driver or cuBLAS is missing; Windows does not name the library. */
const GPU_LIBRARY = /libcublas|libvulkan|specified module could not be found/i;

/** A GPU's package may fail for want of such a library, but neither crash nor fail for another reason. */
function load(folder, { backend }) {
  const code = `
    const { backendFor } = await import('./dist/src/addon/load-addon.js');
    try {
      console.log('Loads:', backendFor('cpu').info.file);
    } catch (error) {
      console.error(error.message);
      process.exitCode = ${Boolean(backend)} && ${GPU_LIBRARY}.test(error.message) ? 0 : 1;
    }`;
  runNode(['--input-type=module', '--eval', code], { ...process.env, LLAVAOV_BINDING: folder });
}

/** Loads what a user unpacks. @param parts of the name, as parsePlatform() gives @returns what the note says of the files */
export function tryTarball(tarball, parts) {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-tarball-'));
  try {
    const folder = unpack(tarball, temporary);
    load(folder, parts);
    const list = path.join(buildsFolder(folder, parts), 'variants.json');
    const variants = JSON.parse(readFileSync(list, 'utf8'));
    return { files: sizesIn(folder), variants: variants.map(({ name }) => name) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function buildPackage() {
  const separator = process.argv.indexOf('--');
  const given = process.argv.slice(2, separator < 0 ? undefined : separator);
  const defines = separator < 0 ? [] : process.argv.slice(separator + 1);
  const { values, positionals } = parseArgs({
    args: given,
    options: { out: { type: 'string' } },
    allowPositionals: true,
  });
  const [name] = positionals;
  if (!name || !values.out) throw new Failure(USAGE);
  const out = path.resolve(values.out);
  mkdirSync(out, { recursive: true });
  const seconds = build(name, defines);
  const folder = path.join(PACKAGES, name);
  const parts = parsePlatform(name);
  if (parts.platform === 'linux' && parts.libc === 'glibc') {
    const backend = parts.backend ? ['--backend', parts.backend] : [];
    runNode(['scripts/release/symbol-floor.mjs', folder, '--check', ...backend]);
  }
  const tarball = packPlatform(name, folder, out);
  const toolkit = toolkitLicences(parts.backend?.replace('cuda12', 'cuda'));
  writeNote(out, {
    ...{ name, packed: statSync(tarball).size, ...tryTarball(tarball, parts), seconds },
    toolkit: toolkit.map(({ text: _, ...part }) => part),
  });
  console.log(tarball);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(buildPackage);
