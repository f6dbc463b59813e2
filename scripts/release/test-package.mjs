/**
 * Runs the unit and addon tests with the addon of a package that is packed already
 * (`node scripts/release/test-package.mjs NAME --from DIR`): what is in the tarball, not what was built.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../build/failure.mjs';
import { findTarball } from './notes.mjs';
import { unpack } from './npm.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

await main(() => {
  const { values, positionals } = parseArgs({
    options: { from: { type: 'string' } },
    allowPositionals: true,
  });
  const [name] = positionals;
  if (!name || !values.from)
    throw new Failure('Usage: node scripts/release/test-package.mjs NAME --from DIR');
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-tests-'));
  try {
    const folder = unpack(findTarball(values.from, name), temporary);
    const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--project', 'unit', '--project', 'addon'];
    const { status } = spawnSync(process.execPath, args, {
      ...{ cwd: ROOT, stdio: 'inherit', env: { ...process.env, LLAVAOV_BINDING: folder } },
    });
    if (status !== 0) throw new Failure(`Tests failed with the addon of ${name}.`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});
