/** How this machine is asked for packages and libraries. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { thisMachine } from '../../../src/addon/this-machine.js';
import { skipUnless } from '../../support/skip-unless.js';

const NAME = '@llava-onevision/linux-x64-cuda';
let app: string;
beforeEach(() => {
  app = realpathSync(mkdtempSync(path.join(tmpdir(), 'llavaov-app-')));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(app, { recursive: true });
});

function install(manifest: string) {
  const home = path.join(app, 'node_modules', NAME);
  mkdirSync(home, { recursive: true });
  writeFileSync(path.join(home, 'package.json'), manifest);
  vi.spyOn(process, 'cwd').mockReturnValue(app);
  return home;
}

test("the app's folder is asked for packages too", () => {
  const home = install('{}');
  expect(thisMachine().findPackage(NAME)).toBe(home);
});

test('a package whose manifest is cut off is found, so that its problem can be told', () => {
  const home = install('{ "name": "@llava');
  expect(thisMachine().findPackage(NAME)).toBe(home);
});

test('where the folder that the process was started in is gone, packages are looked for elsewhere', () => {
  vi.spyOn(process, 'cwd').mockImplementation(() => {
    throw new Error('ENOENT: no such file or directory, uv_cwd');
  });
  expect(thisMachine().findPackage(NAME)).toBeUndefined();
});

const onLinux = skipUnless(process.platform === 'linux', 'needs Linux');

test('libraries are asked of the system', onLinux, () => {
  const { hasLibrary } = thisMachine();
  expect(hasLibrary('libabsent.so.1')).toBe(false);
  const dlopen = (error: object) =>
    vi.spyOn(process, 'dlopen').mockImplementation(() => {
      throw error;
    });
  dlopen(new Error('Module did not self-register: libcuda.so.1'));
  expect(hasLibrary('libcuda.so.1')).toBe(true);
  // Then nothing is known of the driver, and a failure to load is not put down to it.
  const message = 'Cannot load native addon because loading addons is disabled.';
  dlopen(Object.assign(new Error(message), { code: 'ERR_DLOPEN_DISABLED' }));
  expect(hasLibrary('libcuda.so.1')).toBe(true);
});
