// Bytes of a clip as a private file: whatever becomes of them meanwhile, the caller is told.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openVideoFile } from '../../../src/media/video-file.js';

let folder: string;
const { signal } = new AbortController();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'video-file-'));
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('holds the bytes until it is removed', async () => {
  const bytes = Uint8Array.from({ length: 3 << 20 }, (_, i) => i % 251);
  const file = await openVideoFile(bytes, { signal });
  expect(Buffer.compare(readFileSync(file.path), bytes)).toBe(0);
  await file.remove();
  expect(existsSync(file.path)).toBe(false);
});

it.each([
  ['at once', () => {}],
  ['when writing has begun', () => new Promise((resolve) => setTimeout(resolve))],
])('bytes that are transferred away %s are an error, not a crash', async (_, moment) => {
  const bytes = new Uint8Array(8 << 20).fill(1);
  const opening = openVideoFile(bytes, { signal }).then(
    (file) => file.remove(), // written already
    (error) => expect(error).toMatchObject({ code: 'ERR_VIDEO_DECODE' }),
  );
  await moment();
  structuredClone(bytes, { transfer: [bytes.buffer] });
  await opening;
  expect(readdirSync(folder)).toEqual([]);
});
