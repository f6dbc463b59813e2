/** Folders are made, or it is said why not. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../../../src/files/make-folder.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'make-folder-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('with its parents, or found there', async () => {
  const folder = join(root, 'a', 'b', 'c');
  await makeFolder(folder);
  await makeFolder(folder);
  await makeFolder('/');
  expect(statSync(folder).isDirectory()).toBe(true);
});

test('several at once do not disturb each other', async () => {
  await Promise.all(['x', 'y', 'x'].map((name) => makeFolder(join(root, 'many', 'deep', name))));
  expect(statSync(join(root, 'many', 'deep', 'y')).isDirectory()).toBe(true);
});

test('not where a file is in the way', async () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  await expect(makeFolder(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(file, 'a'))).rejects.toMatchObject({ syscall: 'mkdir' });
});

test.runIf(process.platform === 'linux')('not where the system has none made', async () => {
  await expect(makeFolder('/proc/x')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(makeFolder('/proc/x/y/z')).rejects.toMatchObject({ code: 'ENOENT' });
});
