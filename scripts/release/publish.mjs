/**
 * Publishes the tarballs of a folder (`node scripts/release/publish.mjs DIR [--dry-run]`): every package of
 * src/addon/platform-packages.ts must be there at the main package's version; that one comes last, so that nobody installs it before
 * its parts exist. Those already published are left out, so that a release that broke off can go on.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';
import { npm } from './npm.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Tarballs in the order of publishing. @throws Failure naming those that are not in the folder */
export function inOrder(folder, version, names) {
  const platforms = names.map((name) => ({
    name: `@llava-onevision/${name}`,
    file: path.join(folder, `llava-onevision-${name}-${version}.tgz`),
  }));
  const own = {
    name: 'llava-onevision',
    file: path.join(folder, `llava-onevision-${version}.tgz`),
  };
  const all = [...platforms, own];
  const absent = all.filter(({ file }) => !existsSync(file)).map(({ file }) => path.basename(file));
  if (absent.length > 0)
    throw new Failure(`Not in ${folder}, so nothing is published:\n  ${absent.join('\n  ')}`);
  return all;
}

/** Whether it comes before a release: 1.2.3-0, 1.2.3-beta.1, but not 1.2.3+a-b. */
export function isPrerelease(version) {
  return /^[\d.]+-/.test(version);
}

function isPublished(name, version) {
  const windows = process.platform === 'win32';
  const { status, stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], {
    ...{ encoding: 'utf8', shell: windows },
  });
  return status === 0 && stdout.trim() === version;
}

async function publish() {
  const { values, positionals } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  if (!folder) throw new Failure('Usage: node scripts/release/publish.mjs DIR [--dry-run]');
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const { GITHUB_REF_TYPE, GITHUB_REF_NAME } = process.env;
  if (GITHUB_REF_TYPE === 'tag' && GITHUB_REF_NAME !== `v${version}`)
    throw new Failure(`The tag is ${GITHUB_REF_NAME}, but package.json says ${version}.`);
  const { CPU_PACKAGES, GPU_PACKAGES } = await import('../../dist/src/addon/platform-packages.js');
  const all = inOrder(path.resolve(folder), version, [...CPU_PACKAGES, ...GPU_PACKAGES]);
  // `npm install llava-onevision` takes what is tagged latest.
  const tag = isPrerelease(version) ? 'next' : 'latest';
  const args = ['--access', 'public', '--tag', tag];
  if (values['dry-run']) args.push('--dry-run');
  // npm attests only inside a workflow.
  else if (process.env.GITHUB_ACTIONS) args.push('--provenance');
  for (const { name, file } of all) {
    if (isPublished(name, version)) {
      console.log(`${name} ${version} is published already.`);
      continue;
    }
    npm(['publish', file, ...args], { stdio: 'inherit' });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(publish);
