import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readBuiltIn, readTable } from '../../../src/verify/known-answers.js';
import { snippetsOf } from '../../support/snippets.js';

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

test('the table that docs/cli.md shows is one', async () => {
  const [table, ...others] = snippetsOf('docs/cli.md', 'json');
  expect(others).toEqual([]);
  const folder = mkdtempSync(join(tmpdir(), 'table-'));
  writeFileSync(join(folder, 'table.json'), table!);
  expect(await readTable(join(folder, 'table.json'))).toMatchObject({ name: 'my model' });
  rmSync(folder, { recursive: true });
});
