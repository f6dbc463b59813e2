/**
 * Packs a platform package out of what scripts/release/build-prebuilds.mjs has made
 * (`node scripts/release/pack-platform.mjs NAME --from DIR --out DIR`, NAME as linux-x64-cuda12): the builds of the addon and
 * variants.json, with manifest, README and the licences of everything inside.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';
import { cpuVariants, gpuVariants } from './cpu-variants.mjs';
import { licenceFile } from './licences.mjs';
import { npmPack } from './npm.mjs';
import { repositoryOf } from './pack-main.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where build-prebuilds.mjs makes packages, a folder each. */
export const PACKAGES = path.join(ROOT, '.build/packages');

/** Where a package has its builds, and the list of them: prebuildify's layout. */
export const buildsFolder = (folder, { platform, arch }) =>
  path.join(folder, 'prebuilds', `${platform}-${arch}`);

const USAGE = 'Usage: node scripts/release/pack-platform.mjs NAME --from DIR --out DIR';

const WHAT = {
  cuda: 'with CUDA 13; takes a driver of version 580 or later, and cuBLAS 13 in the library path',
  cuda12: 'with CUDA 12; takes a driver of version 525 or later, and cuBLAS 12 in the library path',
  vulkan: 'with Vulkan',
};

/** What a CPU package may weigh, in bytes: everyone downloads one. */
const LIMITS = { packed: 15e6, installed: 40e6 };

/** "linux-x64-musl-cuda" in its parts. */
export function parsePlatform(name) {
  const [platform, arch, ...rest] = name.split('-');
  const libc = platform === 'linux' ? (rest.includes('musl') ? 'musl' : 'glibc') : undefined;
  return { platform, arch, libc, backend: rest.find((part) => part in WHAT) };
}

/** @param from folder with prebuilds/ of build-prebuilds.mjs @returns the tarball in `out` @throws Failure */
export function packPlatform(name, from, out) {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-pack-'));
  try {
    stagePlatform(name, from, temporary);
    const tarball = npmPack(temporary, out);
    checkSize(name, tarball, temporary);
    return tarball;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Puts what the package holds into a folder. */
export function stagePlatform(name, from, folder) {
  const parts = parsePlatform(name);
  const { platform, backend } = parts;
  const [source, target] = [from, folder].map((one) => buildsFolder(one, parts));
  mkdirSync(target, { recursive: true });
  for (const file of filesOf(name, source))
    copyFileSync(path.join(source, file), path.join(target, file));
  const compiledIn =
    backend?.replace('cuda12', 'cuda') ?? (platform === 'darwin' ? 'metal' : undefined);
  writeFileSync(path.join(folder, 'LICENSES'), licenceFile({ backend: compiledIn }));
  writeFileSync(path.join(folder, 'README.md'), readme(name));
  const manifest = `${JSON.stringify(manifestOf(name), null, 2)}\n`;
  writeFileSync(path.join(folder, 'package.json'), manifest);
}

function filesOf(name, from) {
  const list = path.join(from, 'variants.json');
  if (!existsSync(list))
    throw new Failure(`${list} does not exist: it is made by npm run build:prebuilds.`);
  const variants = JSON.parse(readFileSync(list, 'utf8'));
  const surplus = surplusNeeds(name, variants);
  if (surplus.length > 0)
    throw new Failure(`${list} has no build for CPUs of ${name} without ${surplus.join(', ')}.`);
  const isAsked = variants.some(({ needs }) => needs.length > 0);
  const probe = isAsked ? ['cpu-features.node'] : [];
  const files = ['variants.json', ...variants.map(({ file }) => file), ...probe];
  const absent = files.find((file) => !existsSync(path.join(from, file)));
  if (absent) throw new Failure(`${list} takes ${absent}, which is not beside it.`);
  return files;
}

/** What the plainest build of a list needs and the plainest that is planned for the package does not. */
function surplusNeeds(name, variants) {
  const { platform, arch, backend } = parsePlatform(name);
  const planned = (backend ? gpuVariants : cpuVariants)(platform, arch).at(-1);
  if (!planned) throw new Failure(`No builds are planned for ${name}.`);
  const needs = variants.at(-1)?.needs ?? ['a list of builds'];
  return needs.filter((need) => !planned.needs.includes(need));
}

/** Bytes of the files below a folder, by path. */
export function sizesIn(folder) {
  const entries = readdirSync(folder, { recursive: true }).map((file) => {
    const stats = statSync(path.join(folder, file));
    return stats.isFile() ? [[file.replaceAll(path.sep, '/'), stats.size]] : [];
  });
  return Object.fromEntries(entries.flat());
}

function checkSize(name, tarball, folder) {
  const installed = Object.values(sizesIn(folder)).reduce((sum, size) => sum + size, 0);
  const problem = aboveLimit(name, { packed: statSync(tarball).size, installed });
  if (!problem) return;
  rmSync(tarball);
  throw new Failure(problem);
}

/** A line on what is too large; undefined where nothing is. Kernels for GPUs may weigh what they do. */
export function aboveLimit(name, sizes) {
  if (parsePlatform(name).backend) return undefined;
  const kind = Object.keys(LIMITS).find((one) => sizes[one] >= LIMITS[one]);
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return (
    kind &&
    `${name} has ${megabytes(sizes[kind])} ${kind}; the limit is ${megabytes(LIMITS[kind])}.`
  );
}

function manifestOf(name) {
  const { version, license, engines } = JSON.parse(
    readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
  );
  const { platform, arch, libc, backend } = parsePlatform(name);
  return {
    name: `@llava-onevision/${name}`,
    version,
    description: `The native addon of llava-onevision for ${platform}-${arch}${backend ? ` ${WHAT[backend]}` : ''}`,
    license: backend?.startsWith('cuda') ? 'SEE LICENSE IN LICENSES' : license,
    ...repositoryOf(process.env),
    os: [platform],
    cpu: [arch],
    ...(libc && { libc: [libc] }),
    engines,
    preferUnplugged: true,
  };
}

function readme(name) {
  const { platform, arch, libc, backend } = parsePlatform(name);
  const system = `${platform}-${arch}${libc ? ` (${libc})` : ''}`;
  return `# @llava-onevision/${name}

The native addon of llava-onevision for ${system}${backend ? `,\n${WHAT[backend]}` : ''}.
It is not used by itself: ${
    backend
      ? 'add it to a project that depends on llava-onevision, at the same version.'
      : 'npm installs it with llava-onevision.'
  }

prebuilds/${platform}-${arch}/variants.json lists its builds, best first, and what each needs of the CPU. LICENSES has the licences of what is inside.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    const { values, positionals } = parseArgs({
      options: { from: { type: 'string' }, out: { type: 'string' } },
      allowPositionals: true,
    });
    const [name] = positionals;
    if (!name || !values.from || !values.out) throw new Failure(USAGE);
    const out = path.resolve(values.out);
    mkdirSync(out, { recursive: true });
    console.log(packPlatform(name, path.resolve(values.from), out));
  });
}
