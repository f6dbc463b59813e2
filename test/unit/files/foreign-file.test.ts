/** Downloads that went wrong are called by their names, whichever file they stand for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJsonFile } from '../../../src/convert/json-file.js';
import { readSafetensors } from '../../../src/convert/safetensors.js';
import { readGguf } from '../../../src/gguf/reader.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'foreign-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const POINTER =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n';

describe.each([
  ['model.safetensors', readSafetensors],
  ['model.gguf', readGguf],
  ['config.json', readJsonFile],
] as const)('%s', (name, read) => {
  test.each([
    ['an LFS pointer', POINTER, /Git LFS pointer.*git lfs pull/],
    ['a page', '<!DOCTYPE html>\n<html><head>', /web page \(HTML\).*resolve/],
    ['a page with space before it', ' \n<html lang="en">', /web page/],
    ['an empty file', '', /it is empty/],
  ])('%s', async (_, text, message) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    await expect(read(path) as Promise<unknown>).rejects.toThrow(message);
  });
});
