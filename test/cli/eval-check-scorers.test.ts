// eval check-scorers: counts, failures and exit codes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { cli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'check-scorers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const GOLDEN = join(import.meta.dirname, '../golden/scorer-vectors.json');

it('counts the vectors that pass', async () => {
  const { status, stdout, stderr } = await cli(['eval', 'check-scorers', GOLDEN]);
  expect(stderr).toBe('');
  expect(stdout).toBe('219 passed, 0 failed, 5 skipped\n');
  expect(status).toBe(0);
});

it('shows what failed, and ends with 1', async () => {
  const path = join(folder, 'vectors.json');
  const vector = { family: 'mcq-letter', task: 'mlvu', variant: 'v0.2.2', prediction: 'B) x' };
  writeFileSync(path, JSON.stringify([{ ...vector, reference: {}, expected: 'C' }]));
  const { status, stdout } = await cli(['eval', 'check-scorers', path]);
  expect(stdout).toBe(
    'vector 0: mcq-letter mlvu v0.2.2\n  prediction "B) x"\n  expected "C", got "B"\n' +
      '0 passed, 1 failed, 0 skipped\n',
  );
  expect(status).toBe(1);

  const { stdout: json } = await cli(['eval', 'check-scorers', path, '--json']);
  expect(JSON.parse(json)).toMatchObject({
    ...{ passed: 0, failed: 1, skipped: 0 },
    failures: [{ index: 0, family: 'mcq-letter', expected: 'C', actual: 'B' }],
  });
});

it('refuses what is no file of vectors', async () => {
  const { status, stderr } = await cli(['eval', 'check-scorers', join(folder, 'none.json')]);
  expect(stderr).toContain('Cannot use');
  expect(status).toBe(1);
});
