/** Files made wrong on purpose: each is refused before anything is written or loaded, by an error that names the culprit. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NativeBinding } from '../../../src/binding.js';
import { convert } from '../../../src/convert/convert.js';
import { readDecoderFile } from '../../../src/gguf/decoder-file.js';
import { readVisionConfig } from '../../../src/vision/vision-config.js';
import { malformedCheckpoints } from '../../support/malformed-checkpoints.js';
import { malformedGgufs } from '../../support/malformed-gguf.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'malformed-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const checkpoints = malformedCheckpoints();
const ggufs = malformedGgufs();

test('the files are many, and no two alike', () => {
  const hashes = [
    ...checkpoints.map(({ files }) => Object.entries(files).flat()),
    ...ggufs.map(({ kind, bytes }) => [kind, bytes]),
  ].map((parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  });
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes.length).toBeGreaterThanOrEqual(60);
});

/** A binding that nothing may touch: all of this is refused before the addon has a part in it. */
const untouched = new Proxy(
  {},
  {
    get: (_, name) => {
      throw new Error(`binding.${String(name)} was used`);
    },
  },
) as NativeBinding;

describe('checkpoints', () => {
  test.each(checkpoints)('$culprit: $what', async ({ files, culprit, message }) => {
    const checkpoint = join(dir, 'checkpoint');
    const outdir = join(dir, 'out');
    mkdirSync(checkpoint);
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(checkpoint, name), content);
    const error = await convert({ checkpoint, outdir }, untouched).catch((reason) => reason);
    expect(error).toMatchObject({ name: 'LlavaError', code: 'ERR_CHECKPOINT' });
    expect(error.path).toContain(join(checkpoint, culprit));
    expect(error.message).toContain(error.path);
    expect(error.message).toMatch(message);
    expect(existsSync(outdir)).toBe(false);
  });
});

describe('GGUF files', () => {
  test.each(ggufs)('$kind: $what', async ({ kind, bytes, message }) => {
    const path = join(dir, 'file.gguf');
    writeFileSync(path, bytes);
    const read = kind === 'decoder' ? readDecoderFile : readVisionConfig;
    const error = await read(path).catch((reason) => reason);
    expect(error).toMatchObject({ name: 'LlavaError', code: 'ERR_MODEL_LOAD', path });
    expect(error.message).toContain(path);
    expect(error.message).toMatch(message);
  });
});
