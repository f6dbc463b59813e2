import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sourceOfSnapshot } from '../../../src/hub/snapshot-source.js';

const commit = 'a'.repeat(40);

it.each([
  [['models--owner--na--me', 'snapshots', commit], { repo: 'owner/na--me', commit }],
  [['models--owner--name', 'snapshots', 'abc123'], { repo: 'owner/name' }],
  [['models--owner--name', 'snapshots', commit, 'folder'], undefined],
  [['models', commit], undefined],
])('%j', (parts, source) => {
  expect(sourceOfSnapshot(join('/cache', ...parts))).toEqual(source);
});
