/**
 * Packs what this machine needs to try the package elsewhere on it (`npm run pack:local -- DIR`): the main package and this
 * platform's, from .build/packages/ when that is newer than the sources, else from the local build, as its only variant.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';
import { packMain } from './pack-main.mjs';
import { buildsFolder, PACKAGES, packPlatform } from './pack-platform.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USAGE = `npm run pack:local -- DIR [--native]

Writes the tarballs of llava-onevision and of its package for this platform into DIR.

  --native  take the local build (made for this CPU) even if there are prebuilt ones that fit`;

const modifiedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** The newest of what goes into the addon. */
function newestSource() {
  const native = readdirSync(path.join(ROOT, 'native'), { recursive: true }).filter((file) =>
    /\.(cc|h)$/.test(file),
  );
  const files = [
    'CMakeLists.txt',
    'scripts/build/llama-source.json',
    ...native.map((file) => path.join('native', file)),
  ];
  return files
    .map((file) => ({ file, time: modifiedAt(path.join(ROOT, file)) }))
    .reduce((newest, one) => (one.time > newest.time ? one : newest));
}

/** Folder of prebuilt variants that fit the sources; undefined, with a word on why, where there is none. */
function prebuilt(name) {
  const folder = path.join(PACKAGES, name);
  const shown = path.relative(ROOT, folder);
  const builtAt = modifiedAt(path.join(buildsFolder(folder, process), 'variants.json'));
  if (builtAt === 0) {
    console.error(
      `${shown} is not there (npm run build:prebuilds makes it): packing the local build.`,
    );
    return undefined;
  }
  const newest = newestSource();
  if (newest.time > builtAt) {
    console.error(`${shown} is older than ${newest.file}: packing the local build.`);
    return undefined;
  }
  console.error(`Packing ${shown}.`);
  return folder;
}

/** The local build as the only variant, in a folder of its own. */
function localBuild(folder) {
  if (process.env.LLAVAOV_SKIP_BUILD !== '1') {
    const script = path.join(ROOT, 'scripts/build/build-native.mjs');
    const { status } = spawnSync(process.execPath, [script, '--refresh'], { stdio: 'inherit' });
    if (status !== 0) throw new Failure('There is no local build to pack.');
  }
  const file = 'llava-onevision.node';
  const builds = buildsFolder(folder, process);
  mkdirSync(builds, { recursive: true });
  copyFileSync(path.join(ROOT, 'build/Release', file), path.join(builds, file));
  const variants = [{ file, name: 'local', needs: [] }];
  writeFileSync(path.join(builds, 'variants.json'), `${JSON.stringify(variants, null, 2)}\n`);
  return folder;
}

async function pack() {
  const { values, positionals } = parseArgs({
    options: { native: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) return console.log(USAGE);
  if (positionals.length !== 1) throw new Failure(USAGE);
  const out = path.resolve(positionals[0]);
  mkdirSync(out, { recursive: true });
  const { tarball, platforms } = await packMain(out);
  const name = platforms.platformName(platforms.thisPlatform());
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-local-'));
  try {
    const from = (values.native ? undefined : prebuilt(name)) ?? localBuild(temporary);
    const tarballs = [tarball, packPlatform(name, from, out)];
    for (const file of tarballs)
      console.log(`${file}  ${(statSync(file).size / 1e6).toFixed(2)} MB`);
    console.error(`\nTo install both: npm install ${tarballs.join(' ')}`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await main(pack);
