/**
 * npm's install step: a platform package that loads is all that is needed; otherwise the addon is compiled, with the options
 * of the last build in this folder or of LLAVAOV_BUILD_FLAGS. LLAVAOV_SKIP_BUILD=1 leaves it for later.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A clone has no JavaScript yet, and no platform packages: it compiles. */
async function prebuiltLoads() {
  if (!existsSync(at('../../dist/src/addon/load-addon.js')) || existsSync(at('../../build/Release')))
    return false;
  try {
    (await import('../../dist/src/addon/load-addon.js')).native();
    return true;
  } catch (error) {
    console.error(`${error.message}\n\nCompiling it now.`);
    return false;
  }
}

if (process.env.LLAVAOV_SKIP_BUILD === '1') {
  console.error(
    'LLAVAOV_SKIP_BUILD=1: nothing is compiled; `llava-onevision build` does it later.',
  );
} else if (process.env.LLAVAOV_BUILD_FLAGS || !(await prebuiltLoads())) {
  const flags = process.env.LLAVAOV_BUILD_FLAGS ? [] : ['--refresh'];
  const { status } = spawnSync(process.execPath, [at('build-native.mjs'), ...flags], {
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error('\nTo install without the addon for now: LLAVAOV_SKIP_BUILD=1 npm install');
    process.exitCode = 1;
  }
}
