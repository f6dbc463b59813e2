/** Files between their check and their use: what is handed on, and what is noticed. */
import { mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CheckedFile, checkedFile, withChecked } from '../../../src/files/checked-file.js';
import { withFile } from '../../../src/files/with-file.js';

let folder: string;
let path: string;
let checked: CheckedFile;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'checked-'));
  path = join(folder, 'file');
  writeFileSync(path, 'good');
  utimesSync(path, 1, 1);
  checked = await withFile(path, 'r', (file) => checkedFile(path, file));
});
afterEach(() => rmSync(folder, { recursive: true }));

const changed = (name: string) => new Error(`changed: ${name}`);
const replace = () => {
  writeFileSync(`${path}.new`, 'evil');
  utimesSync(`${path}.new`, 1, 1);
  renameSync(`${path}.new`, path);
};
const read = () => withChecked([checked], changed, async ([name]) => readFileSync(name!, 'utf8'));

describe('a checked file', () => {
  it('that is as it was is opened', async () => {
    expect(await read()).toBe('good');
  });

  it.each<[string, () => void]>([
    ['replaced', replace],
    ['written again', () => writeFileSync(path, 'good')],
    ['cut', () => writeFileSync(path, '')],
  ])('that was %s before it is opened is refused', async (_, change) => {
    change();
    await expect(read()).rejects.toThrow(`changed: ${path}`);
  });

  it.skipIf(process.platform !== 'linux')('that is replaced now stays what it was', async () => {
    const work = async ([name]: string[]) => {
      replace();
      return [readFileSync(name!, 'utf8'), readFileSync(path, 'utf8')];
    };
    expect(await withChecked([checked], changed, work)).toEqual(['good', 'evil']);
  });

  it('that is written over while it is read is noticed', async () => {
    const work = async () => writeFileSync(path, 'evil');
    await expect(withChecked([checked], changed, work)).rejects.toThrow(`changed: ${path}`);
  });
});
