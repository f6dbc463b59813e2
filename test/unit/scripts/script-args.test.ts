import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../src/addon/package-root.js';

const ask = (...args: string[]) =>
  spawnSync(process.execPath, [join(PACKAGE_ROOT, 'scripts/sanitize.mjs'), ...args], {
    encoding: 'utf8',
  });

it('a script tells of itself by --help', () => {
  const { stdout, status } = ask('--help');
  expect(stdout).toMatch(/^Compiles the addon .*\n[\s\S]*npm run sanitize -- --kernels\n$/);
  expect(status).toBe(0);
});

it('a script says which option it does not know, and those that it does', () => {
  const { stderr, status } = ask('--nope');
  expect(stderr).toMatch(/^Unknown option '--nope'[\s\S]*npm run sanitize -- --kernels\n$/);
  expect(status).toBe(2);
});
