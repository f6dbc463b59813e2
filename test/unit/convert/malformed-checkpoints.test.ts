/** Checkpoints made wrong on purpose: each is refused before anything is written, by an error that names the culprit. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NativeBinding } from '../../../src/binding.js';
import { convert } from '../../../src/convert/convert.js';
import { countDifferent } from '../../support/count-different.js';
import { malformedCheckpoints } from '../../support/malformed-checkpoints.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'malformed-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const checkpoints = malformedCheckpoints();

test('the checkpoints are many, and no two alike', () => {
  const parts = checkpoints.map(({ files }) => Object.entries(files).flat());
  expect(countDifferent(parts)).toBe(checkpoints.length);
  expect(checkpoints.length).toBeGreaterThanOrEqual(100);
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
