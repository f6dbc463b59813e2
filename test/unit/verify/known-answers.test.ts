import { expect, test } from 'vitest';
import { readBuiltIn } from '../../../src/verify/known-answers.js';

test('the picture’s address gives the picture, not a page about it', async () => {
  for (const { picture } of await readBuiltIn()) {
    expect(picture?.url).toMatch(
      /^https:\/\/raw\.githubusercontent\.com\/[\w./-]+\/[0-9a-f]{40}\/images\/\w+\.jpg$/,
    );
    // Of the file at this address, as its repository has it.
    expect(picture?.sha256).toBe(
      '1f6f7f4385da27b0fbc9eb466a04db20013f53f0ab5e28cd4483e0b59d17def0',
    );
  }
});
