/** GGUF files made wrong on purpose: each is refused before anything is loaded, by an error that names it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readDecoderFile } from '../../../src/gguf/decoder-file.js';
import { readVisionConfig } from '../../../src/vision/vision-config.js';
import { countDifferent } from '../../support/count-different.js';
import { malformedGgufs } from '../../support/malformed-gguf.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'malformed-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const ggufs = malformedGgufs();

test('the files are many, and no two alike', () => {
  expect(countDifferent(ggufs.map(({ kind, bytes }) => [kind, bytes]))).toBe(ggufs.length);
  expect(ggufs.length).toBeGreaterThanOrEqual(50);
});

test.each(ggufs)('$kind: $what', async ({ kind, bytes, message }) => {
  const path = join(dir, 'file.gguf');
  writeFileSync(path, bytes);
  const read = kind === 'decoder' ? readDecoderFile : readVisionConfig;
  const error = await read(path).catch((reason) => reason);
  expect(error).toMatchObject({ name: 'LlavaError', code: 'ERR_MODEL_LOAD', path });
  expect(error.message).toContain(path);
  expect(error.message).toMatch(message);
});
