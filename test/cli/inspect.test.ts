/** What `convert` says and leaves about its files, and what `inspect` tells of them. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const { path: dir, remove } = temporaryFolder();
afterAll(remove);

const model = join(dir, 'demo-f16.gguf');
const mmproj = join(dir, 'mmproj-demo-f16.gguf');
const convert = (...flags: string[]) =>
  cli([
    ...['convert', join(import.meta.dirname, '../../demo/checkpoint'), '--outdir', dir],
    ...['--name', 'demo', ...flags],
  ]);

let summary: string;
beforeAll(async () => {
  summary = (await convert()).stdout;
});

test('convert prints checksums and keeps them beside the files', () => {
  const files = ['demo-f16.gguf', 'mmproj-demo-f16.gguf'];
  expect(readdirSync(dir).sort()).toEqual(files.flatMap((name) => [name, `${name}.sha256`]).sort());
  for (const name of files) {
    const [sha256] = readFileSync(join(dir, `${name}.sha256`), 'utf8').split(' ');
    expect(summary).toContain(`sha256 ${sha256}  ${name}`);
  }
});

test('convert --no-checksum does neither', async () => {
  const { status, stdout } = await convert('--outtype', 'bf16', '--no-checksum');
  expect(status).toBe(0);
  expect(stdout).not.toContain('sha256');
  expect(readdirSync(dir)).not.toContain('demo-bf16.gguf.sha256');
});

test('convert --card --modelfile names what it wrote, and replaces it with --force only', async () => {
  const first = await convert('--card', '--modelfile');
  expect(first.status).toBe(0);
  for (const name of ['README.md', 'Modelfile']) expect(first.stdout).toContain(join(dir, name));
  const again = await convert('--card');
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toContain('--force');
  expect(await convert('--card', '--force')).toMatchObject({ status: 0 });
});

test('inspect shows memory for a context length, with and without the mmproj', async () => {
  const { status, stdout } = await cli(['inspect', model, '--context-size', '2048', '--json']);
  expect(status).toBe(0);
  const { memory } = JSON.parse(stdout);
  expect(memory).toMatchObject({ contextSize: 2048, hasVision: false });
  expect(Object.keys(memory.byKvType)).toEqual(['f32', 'f16', 'q8_0']);
  const both = await cli(['inspect', model, '--mmproj', mmproj, '--context-size', '2048']);
  expect(both.stdout).toMatch(/Memory for 2048 positions:\n.*tower/);
});

test('inspect shows tokens of pictures', async () => {
  const sizes = ['--image-size', '112x112', '--image-size', '1920X1080'];
  const { stdout } = await cli(['inspect', mmproj, ...sizes, '--json']);
  const { images, grids } = JSON.parse(stdout);
  expect(images).toEqual([
    { width: 112, height: 112, tiles: 2, rows: 64 + 8 * 9 },
    { width: 1920, height: 1080, tiles: 25, rows: 640 },
  ]);
  expect(grids).toEqual([
    { cols: 1, rows: 1 },
    { cols: 6, rows: 4 },
  ]);
});

test('inspect --verify finds a damaged file', async () => {
  const { sha256 } = JSON.parse((await convert('--json')).stdout).model;
  const fine = await cli(['inspect', model, '--verify', '--json']);
  expect(JSON.parse(fine.stdout).verified).toEqual([{ path: model, sha256 }]);
  expect((await cli(['inspect', model, '--verify'])).stdout).toContain(sha256);
  const bytes = readFileSync(model);
  appendFileSync(model, 'x');
  const damaged = await cli(['inspect', model, '--verify']);
  writeFileSync(model, bytes);
  expect(damaged).toMatchObject({ status: 1, stdout: '' });
  expect(damaged.stderr).toContain('changed or damaged');
});

test.each([
  [['--image-size', '3x3'], /mmproj/],
  [['--image-size', '0x3'], /1920x1080/],
  [['--image-size', '3'], /1920x1080/],
  [['--context-size', '0'], /contextSize/],
])('inspect of a decoder with %j is wrong usage', async (flags, message) => {
  const { status, stdout, stderr } = await cli(['inspect', model, ...flags]);
  expect(stderr).toMatch(message);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});
