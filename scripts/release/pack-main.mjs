/**
 * Packs the main package (`node scripts/release/pack-main.mjs --out DIR`): JavaScript compiled anew, so that nothing of deleted
 * sources is left in it, the sources of the addon, and a manifest that names the platform packages at its own version. They
 * are not in the repository's package.json: npm ci would look for packages that are not published yet.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { Failure, main } from '../build/failure.mjs';
import { npmPack, unpack } from './npm.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @param out an existing folder @returns the tarball, and the module src/addon/platform-packages.ts */
export async function packMain(out) {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-pack-'));
  try {
    const { stage, platforms } = await stageMain(temporary);
    return { tarball: npmPack(stage, out), platforms };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** What is published, as a folder inside `temporary`. */
async function stageMain(temporary) {
  const stage = unpack(npmPack(ROOT, temporary), temporary);
  rmSync(path.join(stage, 'dist'), { recursive: true, force: true });
  compile(path.join(stage, 'dist'), temporary);
  await buildPage(path.join(stage, 'dist/src/server/page'));
  chmodSync(path.join(stage, 'dist/src/cli/main.js'), 0o755);
  const platforms = await import(
    pathToFileURL(path.join(stage, 'dist/src/addon/platform-packages.js'))
  );
  const manifest = path.join(stage, 'package.json');
  const completed = withPlatforms(JSON.parse(readFileSync(manifest, 'utf8')), platforms);
  writeFileSync(manifest, `${JSON.stringify(completed, null, 2)}\n`);
  return { stage, platforms };
}

/** The chat page is vite's to build. */
function buildPage(outDir) {
  const configFile = path.join(ROOT, 'src/server/page/vite.config.ts');
  return build({ configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
}

function compile(outDir, temporary) {
  const tsc = path.join(
    path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const stamp = path.join(temporary, 'build.tsbuildinfo');
  // Source maps would point to sources that are not in the package.
  const args = ['-p', 'tsconfig.build.json', '--outDir', outDir, '--tsBuildInfoFile', stamp];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...args, '--sourceMap', 'false'], {
    ...{ cwd: ROOT, encoding: 'utf8' },
  });
  if (status !== 0) throw new Failure(`The sources do not compile:\n${stdout}`);
}

/** CPU packages come by themselves where they fit; GPU packages are the app's to add, at the same version. Scripts for
 *  developing stay behind, and so does the one that compiles at npm install: package managers refuse scripts of dependencies,
 *  pnpm as an error, and where there is no package `llava-onevision build` does the same. */
export function withPlatforms(manifest, { SCOPE, CPU_PACKAGES, GPU_PACKAGES }, env = process.env) {
  const { scripts: _, ...published } = manifest;
  const { version } = published;
  const atVersion = (names) =>
    Object.fromEntries(names.map((name) => [`${SCOPE}/${name}`, version]));
  const optional = Object.fromEntries(
    GPU_PACKAGES.map((name) => [`${SCOPE}/${name}`, { optional: true }]),
  );
  return {
    ...published,
    ...repositoryOf(env),
    optionalDependencies: { ...manifest.optionalDependencies, ...atVersion(CPU_PACKAGES) },
    peerDependencies: { ...manifest.peerDependencies, ...atVersion(GPU_PACKAGES) },
    peerDependenciesMeta: { ...manifest.peerDependenciesMeta, ...optional },
  };
}

/**
 * npm's provenance asks for the repository that the workflow runs in.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ repository?: { type: string, url: string } }}
 */
export function repositoryOf({ GITHUB_SERVER_URL, GITHUB_REPOSITORY }) {
  if (!GITHUB_SERVER_URL || !GITHUB_REPOSITORY) return {};
  return { repository: { type: 'git', url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { values } = parseArgs({ options: { out: { type: 'string' } } });
    if (!values.out) throw new Failure('Usage: node scripts/release/pack-main.mjs --out DIR');
    const out = path.resolve(values.out);
    mkdirSync(out, { recursive: true });
    console.log((await packMain(out)).tarball);
  });
}
