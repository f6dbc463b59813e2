import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha256 } from '../../../src/files/sliced-hash.js';
import { countTurns } from '../../support/turns.js';

it('is that of the whole, with a turn of the event loop for each megabyte', async () => {
  const bytes = new Uint8Array((20 << 20) + 7).map((_, i) => i * 31);
  let hash: Uint8Array = new Uint8Array();
  const turns = await countTurns(async () => {
    hash = await sha256(bytes);
  });
  expect(hash).toEqual(createHash('sha256').update(bytes).digest());
  expect(turns).toBeGreaterThanOrEqual(19);
  expect(await sha256(new Uint8Array())).toEqual(createHash('sha256').digest());
});
