/** That converted files which are kept are made again when the converter makes others. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CONVERTER_VERSION } from '../../src/convert/converter-version.js';
import { convertedFiles } from '../support/golden.js';

const files = await convertedFiles('demo', 'f16');

const digest = (path: string) =>
  createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);

// Where this fails, what the converter makes has changed: note the new digests, and raise CONVERTER_VERSION if models that were
// converted before should be converted again.
test('the demonstration becomes the same bytes as when the version was raised', () => {
  expect({
    version: CONVERTER_VERSION,
    model: digest(files.model),
    mmproj: digest(files.mmproj),
  }).toEqual({
    version: 1,
    model: '17f02b32f6ccc8da',
    mmproj: 'a792fc7433dbbe03',
  });
});
