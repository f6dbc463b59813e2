/** Headers of weights of which the hub's cache has something else than it says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LentFiles } from '../../../src/hub/lent-files.js';
import { lentWeights } from '../../../src/models/lent-weights.js';
import { safetensorsBytes } from '../../support/safetensors.js';

test('a file that shrank is no header, and is read anew the next time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lent-weights-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'blob');
  const whole = safetensorsBytes({ a: { dtype: 'F32', shape: [2], data: Buffer.alloc(8) } });
  const file = { path: 'model.safetensors', size: whole.length };
  const cache = { find: async () => ({ as: 'blob', path }) };
  const lent = new LentFiles(
    ...([{}, cache, { commit: '', files: [file] }] as unknown as ConstructorParameters<
      typeof LentFiles
    >),
  );
  const { readHeader } = lentWeights(lent, {});

  writeFileSync(path, whole.subarray(0, 20));
  const refused = { code: 'ERR_HUB_CHECKSUM', expected: whole.length, actual: 20 };
  await expect(readHeader('model.safetensors')).rejects.toMatchObject(refused);
  writeFileSync(path, whole);
  expect(await readHeader('model.safetensors')).toMatchObject({ tensors: [{ name: 'a' }] });
});
