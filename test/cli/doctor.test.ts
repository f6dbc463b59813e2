/** What doctor adds up beyond versions: what was chosen and why, GPUs, ffmpeg, and a model's needs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../src/index.js';
import { cli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'llavaov-doctor-'));
const MODEL = join(folder, 'demo-f16.gguf');
const MMPROJ = join(folder, 'mmproj-demo-f16.gguf');

beforeAll(async () => {
  const checkpoint = join(import.meta.dirname, '../../demo/checkpoint');
  await convert({ checkpoint, outdir: folder, name: 'demo' });
});
afterAll(() => rmSync(folder, { recursive: true }));

test('says which addon computes and why', async () => {
  const { status, stdout } = await cli(['doctor', '--json']);
  expect(status).toBe(0);
  const { addon, gpus, ffmpeg } = JSON.parse(stdout);
  expect(addon.backend).toMatchObject({
    ...{ file: addon.path, package: null, reason: expect.stringContaining('compiled here') },
  });
  expect(addon.cpuFeatures.length).toBeGreaterThan(0);
  for (const gpu of gpus) {
    expect(['cuda', 'vulkan', 'metal']).toContain(gpu.name);
    expect(gpu.isUsable || gpu.problems.length > 0).toBe(true);
  }
  expect(ffmpeg).toEqual(
    expect.objectContaining('error' in ffmpeg ? {} : { ffprobe: expect.anything() }),
  );
});

test('--model says what a load would take', async () => {
  const { status, stdout } = await cli(['doctor', '--json', '--model', MODEL, '--mmproj', MMPROJ]);
  expect(status).toBe(0);
  const { model } = JSON.parse(stdout);
  expect(model).toMatchObject({ model: MODEL, mmproj: MMPROJ, fits: true });
  expect(model.memory.weights).toBeGreaterThan(0);
  expect(model.gpuLayers).toBeLessThanOrEqual(model.layers + 1);
  const text = await cli(['doctor', '--model', MODEL]);
  expect(text.stdout).toMatch(/With auto +\w+, \d+ threads, context of \d+/);
});

test('--kernels prints whose kernels multiply by each type of weights', async () => {
  const { addon } = JSON.parse((await cli(['doctor', '--json'])).stdout);
  const { status, stdout } = await cli(['doctor', '--kernels']);
  expect(status).toBe(0);
  expect(stdout).toContain(addon.kernels.instructionSet ?? 'there are none of ours');
  for (const { type, few, many } of addon.kernels.instructionSet ? addon.kernels.types : [])
    expect(stdout).toMatch(new RegExp(`^${type} +${few ?? many ?? 'llama.cpp'}`, 'm'));
});

test('--model with a file that is none ends with status 1', async () => {
  const { status, stdout } = await cli(['doctor', '--model', join(folder, 'absent.gguf')]);
  expect(status).toBe(1);
  expect(stdout).toContain('absent.gguf');
});

test('LLAVAOV_BINDING is told of, also where it is wrong', async () => {
  const env = { LLAVAOV_BINDING: join(folder, 'absent.node') };
  const { status, stdout } = await cli(['doctor', '--json'], { env });
  expect(status).toBe(1);
  expect(JSON.parse(stdout).addon.error).toContain('absent.node does not exist');
});

test('a package that is damaged is reported', async () => {
  const builds = join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
  mkdirSync(builds, { recursive: true });
  writeFileSync(join(builds, 'variants.json'), '[{ "file": "llava');
  const { status, stdout } = await cli(['doctor', '--json'], { env: { LLAVAOV_BINDING: folder } });
  expect(status).toBe(1);
  const { addon, gpus } = JSON.parse(stdout);
  expect(addon.error).toContain('variants.json cannot be read');
  for (const { problems } of gpus)
    expect(problems.join()).toContain('variants.json cannot be read');
});

test('build hands its options to the build script', async () => {
  expect((await cli(['build', '--help'])).stdout).toContain('--vulkan');
  const { status, stderr } = await cli(['build', '--', 'X=Y']);
  expect(stderr).toContain('-DNAME=VALUE');
  expect(status).toBe(2);
});
