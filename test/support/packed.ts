/** The packages as they would be published: packed of what is built, and unpacked. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'vitest';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { platformName, thisPlatform } from '../../src/addon/platform-packages.js';

export const PLATFORM = platformName(thisPlatform());
export const root = (name: string) => join(PACKAGE_ROOT, name);
export const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
export const { version } = readJson(root('package.json'));

export interface Packed {
  file: string;
  /** Paths of its files. */
  files: string[];
  at: (name: string) => string;
  manifest: { name: string; version: string; [field: string]: unknown };
}

export function run(
  program: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', ...options });
  return { status, stdout, stderr };
}

/** Packs into a folder that exists. */
export function packBoth(folder: string): { main: Packed; platform: Packed } {
  // What `npm test` has built before.
  const env = { ...process.env, LLAVAOV_SKIP_BUILD: '1' };
  const out = join(folder, 'out');
  const packed = run(process.execPath, [root('scripts/release/pack-local.mjs'), out], { env });
  expect(packed.status, packed.stderr).toBe(0);
  const [main, platform] = ['llava-onevision', `llava-onevision-${PLATFORM}`].map((name) =>
    unpack(join(out, `${name}-${version}.tgz`), join(folder, 'unpacked', name)),
  );
  return { main: main!, platform: platform! };
}

function unpack(file: string, to: string): Packed {
  mkdirSync(to, { recursive: true });
  expect(run('tar', ['-xzf', file, '-C', to])).toMatchObject({ status: 0 });
  const at = (path: string) => join(to, 'package', path);
  const all = readdirSync(at(''), { recursive: true, withFileTypes: true });
  const files = all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(at(''), join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  return { file, files: files.sort(), at, manifest: readJson(at('package.json')) };
}
