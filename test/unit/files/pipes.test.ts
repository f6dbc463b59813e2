/** Pipes and the like in place of every file that a caller names: refused at once, never waited for. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImatrix } from '../../../src/convert/imatrix.js';
import { readJsonFile } from '../../../src/convert/json-file.js';
import { readSafetensors } from '../../../src/convert/safetensors.js';
import { openJson } from '../../../src/eval/data/json-table.js';
import { openJsonLines } from '../../../src/eval/data/jsonl-table.js';
import { readText } from '../../../src/files/read-whole.js';
import { verifyChecksum } from '../../../src/gguf/checksum-file.js';
import { readDecoderFile } from '../../../src/gguf/decoder-file.js';
import { fileFingerprint } from '../../../src/gguf/file-fingerprint.js';
import { readLoraFile } from '../../../src/gguf/lora-file.js';
import { readImageBytes } from '../../../src/media/image-bytes.js';
import { hashVideoFile } from '../../../src/media/video-file.js';
import { readSession } from '../../../src/session/session-file.js';
import { readTable } from '../../../src/verify/known-answers.js';
import { RowFiles } from '../../../src/vision/row-files.js';
import { readVisionConfig } from '../../../src/vision/vision-config.js';

const NONE = new AbortController().signal;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pipes-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const READERS: [what: string, read: (path: string) => Promise<unknown>, code: string][] = [
  ['decoder', readDecoderFile, 'ERR_MODEL_LOAD'],
  ['mmproj', readVisionConfig, 'ERR_MODEL_LOAD'],
  ['adapter', readLoraFile, 'ERR_MODEL_LOAD'],
  ['fingerprint', fileFingerprint, 'ERR_MODEL_LOAD'],
  ['imatrix', readImatrix, 'ERR_MODEL_LOAD'],
  ['checksum', (path) => verifyChecksum(path.replace(/\.sha256$/, '')), 'ERR_MODEL_LOAD'],
  ['safetensors', readSafetensors, 'ERR_CHECKPOINT'],
  ['config', readJsonFile, 'ERR_CHECKPOINT'],
  ['session', readSession, 'ERR_SESSION_FILE'],
  ['table', readTable, 'ERR_INVALID_ARGUMENT'],
  ['picture', readImageBytes, 'ERR_IMAGE_DECODE'],
  [
    'clip',
    (path) => hashVideoFile({ path, label: path, remove: async () => {} }, NONE),
    'ERR_VIDEO_DECODE',
  ],
  ['lines', openJsonLines, 'ERR_EVAL_DATA'],
  ['rows of a benchmark', openJson, 'ERR_EVAL_DATA'],
];

describe.skipIf(process.platform === 'win32')('a pipe', () => {
  it.each(READERS)('as %s is refused', async (what, read, code) => {
    const path = join(folder, `${what.replaceAll(' ', '-')}.sha256`);
    execFileSync('mkfifo', [path]);
    await expect(read(path)).rejects.toMatchObject({ name: 'LlavaError', code });
  });

  it('as visual rows counts as absent', async () => {
    execFileSync('mkfifo', [join(folder, 'key.rows')]);
    expect(await (await RowFiles.open(folder)).read('key', 4)).toBeNull();
  });
});

it('a file larger than it can be is not read', async () => {
  const path = join(folder, 'large.json');
  writeFileSync(path, '[1, 2]');
  await expect(readText(path, 5)).rejects.toThrow(/6 bytes are more than the 5 allowed/);
  expect(await readText(path, 6)).toBe('[1, 2]');
});

it.skipIf(process.platform !== 'linux')(
  'a folder of rows that no system makes is refused',
  async () => {
    await expect(RowFiles.open('/proc/zz')).rejects.toMatchObject({ code: 'ERR_WRITE' });
  },
);
