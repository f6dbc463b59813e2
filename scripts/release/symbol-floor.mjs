/**
 * Says on which systems a Linux addon loads: the newest glibc and libstdc++ symbol versions it asks for, and the libraries it
 * needs (`node scripts/release/symbol-floor.mjs FILE|DIR... [--check] [--backend cuda|cuda12|vulkan] [--json]`). With --check,
 * more than docs/install.md promises for a package with that GPU backend is an error. Reads with readelf (binutils).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';

/** What prebuilt packages may ask for: glibc of RHEL 8, Debian 10, Ubuntu 18.10 (Node's own), libstdc++ of GCC 8. */
const FLOOR = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '7.0.0' };
/** Vulkan's SDK takes Ubuntu 22.04. */
const VULKAN_FLOOR = { GLIBC: '2.35', GLIBCXX: '3.4.30', CXXABI: '1.3.13', GCC: '12.0.0' };

/** What any Linux with Node has. */
const LIBRARIES =
  /^(libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+|ld-linux-[\w-]+|libc\.musl-\w+)\.so(\.|$)/;

/** What a GPU package may need beyond that: cuBLAS of its CUDA version, Vulkan's loader. CUDA's driver is not among it. */
const GPU_LIBRARIES = {
  cuda: /^libcublas(Lt)?\.so\.13$/,
  cuda12: /^libcublas(Lt)?\.so\.12$/,
  vulkan: /^libvulkan\.so\.1$/,
};

/** Below 0 where a is older. */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @param text of readelf --version-info --dynamic @returns { GLIBC: '2.29', ..., needed: ['libc.so.6', ...] } */
export function parseFloor(text) {
  const floor = {};
  for (const [, name, version] of text.matchAll(/Name: (GLIBC|GLIBCXX|CXXABI|GCC)_([\d.]+)\b/g)) {
    if (!floor[name] || compareVersions(version, floor[name]) > 0) floor[name] = version;
  }
  const needed = [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, library]) => library);
  return { ...floor, needed };
}

export function symbolFloor(file) {
  const args = ['--wide', '--version-info', '--dynamic', file];
  const { status, stdout, stderr, error } = spawnSync('readelf', args, {
    ...{ encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, LC_ALL: 'C' } },
  });
  if (status !== 0)
    throw new Failure(
      `readelf (apt install binutils) cannot read ${file}: ${error?.message ?? stderr}`,
    );
  return parseFloor(stdout);
}

/** What is more than promised, a line each. @param backend of the GPU package: cuda, cuda12, vulkan */
export function aboveFloor(floor, backend) {
  const newer = Object.entries(backend === 'vulkan' ? VULKAN_FLOOR : FLOOR)
    .filter(([name, most]) => floor[name] && compareVersions(floor[name], most) > 0)
    .map(([name, most]) => `asks for ${name}_${floor[name]}, promised is ${most}`);
  const isAllowed = (library) => LIBRARIES.test(library) || GPU_LIBRARIES[backend]?.test(library);
  const foreign = floor.needed.filter((library) => !isAllowed(library));
  return [...newer, ...foreign.map((library) => `needs ${library}, which a system may lack`)];
}

function addonsIn(place) {
  if (!statSync(place, { throwIfNoEntry: false })) throw new Failure(`${place} does not exist.`);
  if (!statSync(place).isDirectory()) return [place];
  return readdirSync(place, { recursive: true })
    .filter((file) => file.endsWith('.node'))
    .map((file) => path.join(place, file));
}

function report() {
  const { values, positionals } = parseArgs({
    options: {
      check: { type: 'boolean' },
      backend: { type: 'string' },
      json: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  const files = positionals.flatMap(addonsIn);
  if (files.length === 0)
    throw new Failure(
      'Usage: node scripts/release/symbol-floor.mjs FILE|DIR... [--check] [--backend NAME] [--json]',
    );
  const floors = files.map((file) => ({ file, ...symbolFloor(file) }));
  if (values.json) console.log(JSON.stringify(floors));
  for (const { file, needed, ...versions } of values.json ? [] : floors) {
    const newest = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    console.log(`${file}: ${[...newest, needed.join(' ')].join(', ')}`);
  }
  if (!values.check) return;
  const problems = floors.flatMap((floor) =>
    aboveFloor(floor, values.backend).map((line) => `${floor.file} ${line}`),
  );
  if (problems.length > 0) throw new Failure(problems.join('\n'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(report);
