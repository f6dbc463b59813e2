/**
 * npm's install step in a clone, where the addon is compiled with the options of the last build in this folder or of
 * LLAVAOV_BUILD_FLAGS; the published package has none. LLAVAOV_SKIP_BUILD=1 leaves it for later.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

if (process.env.LLAVAOV_SKIP_BUILD === '1') {
  console.error('LLAVAOV_SKIP_BUILD=1: nothing is compiled; `npm run build:native` does it later.');
} else {
  const script = fileURLToPath(new URL('build-native.mjs', import.meta.url));
  const flags = process.env.LLAVAOV_BUILD_FLAGS ? [] : ['--refresh'];
  const { status } = spawnSync(process.execPath, [script, ...flags], { stdio: 'inherit' });
  if (status !== 0) {
    console.error('\nTo install without the addon for now: LLAVAOV_SKIP_BUILD=1 npm install');
    process.exitCode = 1;
  }
}
