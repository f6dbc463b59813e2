/**
 * npm's install step: a prebuilt addon that loads is taken as it is, otherwise the addon is compiled, with the
 * options of the last build in this folder or of LLAVAOV_BUILD_FLAGS. LLAVAOV_SKIP_BUILD=1 leaves it for later.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function prebuiltLoads() {
  if (!existsSync(`${ROOT}prebuilds`) || existsSync(`${ROOT}build/Release`)) return false;
  try {
    createRequire(import.meta.url)('node-gyp-build')(ROOT);
    return true;
  } catch (error) {
    console.error(`The prebuilt addon does not load here (${error.message}): compiling it.`);
    return false;
  }
}

if (process.env.LLAVAOV_SKIP_BUILD === '1') {
  console.error('LLAVAOV_SKIP_BUILD=1: no native addon yet; `npm run build:native` makes it.');
} else if (process.env.LLAVAOV_BUILD_FLAGS || !prebuiltLoads()) {
  const flags = process.env.LLAVAOV_BUILD_FLAGS ? [] : ['--refresh'];
  const script = fileURLToPath(new URL('build-native.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...flags], { stdio: 'inherit' });
  if (status !== 0) {
    console.error('\nTo install without the addon for now: LLAVAOV_SKIP_BUILD=1 npm install');
    process.exitCode = 1;
  }
}
