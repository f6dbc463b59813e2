/** The converter's types, parts and checks from the command line. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.js';

const checkpoint = join(import.meta.dirname, '../../demo/checkpoint');

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cli-quantize-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const convert = (...flags: string[]) =>
  cli(['convert', checkpoint, '--outdir', dir, '--name', 'demo', ...flags]);

test('convert takes llama.cpp’s names of types and sizes, and prints checksums', async () => {
  const { status, stdout, stderr } = await convert(
    ...[
      '--outtype',
      'Q4_K',
      '--mmproj-outtype',
      'Q4_0',
      '--split-max-size',
      '1M',
      '--verify',
      '--json',
    ],
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const { model, mmproj } = JSON.parse(stdout);
  expect(model.path).toBe(join(dir, 'demo-q4_k_m-00001-of-00002.gguf'));
  expect(model.parts).toHaveLength(2);
  expect(mmproj.path).toBe(join(dir, 'mmproj-demo-q4_0.gguf'));
  for (const { sha256 } of [model, mmproj, ...model.parts])
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('quantize names its output after the type', async () => {
  await convert();
  const { status, stdout } = await cli([
    'quantize',
    join(dir, 'demo-f16.gguf'),
    '--outtype',
    'q6_k',
  ]);
  expect(status).toBe(0);
  expect(stdout).toContain(join(dir, 'demo-q6_k.gguf'));
  expect(existsSync(join(dir, 'demo-q6_k.gguf'))).toBe(true);
});

test('failures say what to do, and leave nothing behind', async () => {
  await convert('--outtype', 'q8_0');
  const before = readdirSync(dir);
  const again = await cli(['quantize', join(dir, 'demo-q8_0.gguf'), '--outtype', 'q4_0']);
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toContain('--allow-requantize');
  const needy = await convert('--outtype', 'iq2_xs');
  expect(needy).toMatchObject({ status: 2, stdout: '' });
  expect(needy.stderr).toContain("option '--imatrix <file>'");
  expect(readdirSync(dir)).toEqual(before);
});

test.each([
  ['convert', checkpoint, '--outdir', 'x', '--outtype', 'q9'],
  ['convert', checkpoint, '--outdir', 'x', '--split-max-size', '2T'],
  ['convert', checkpoint, '--outdir', 'x', '--mmproj-outtype', 'q4_k_m'],
  ['convert', checkpoint, '--outdir', 'x', '--name', 'a/b'],
  ['convert', checkpoint, '--outdir', 'x', '--modelfile', '--split-max-size', '2G'],
  ['convert', checkpoint, '--outdir', 'x', '--outtype', 'iq2_xxs'],
  ['quantize', 'file.gguf', '--outtype', 'q8_0', '--outfile', 'file.gguf'],
  ['quantize', 'file.gguf'],
  ['quantize', '--outtype', 'q8_0'],
])('wrong usage: %s %s %s %s %s %s %s', async (...args) => {
  expect(await cli(args)).toMatchObject({ status: 2, stdout: '' });
  expect(existsSync('x')).toBe(false);
});
