/** Adapters from the command line. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.js';
import { convertedFiles } from '../support/golden.js';
import { ALL_NAMES, blockModules, DEMO, writeLora } from '../support/lora.js';

let dir: string;
let files: string[];
let adapter: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cli-lora-'));
  const { model, mmproj } = await convertedFiles('demo', 'f16');
  files = ['--model', model, '--mmproj', mmproj, '--threads', '1'];
  const modules = [0, 1, 2].flatMap((block) => blockModules(block, ALL_NAMES));
  adapter = join(dir, 'tuned');
  await writeLora(adapter, { modules });
});
afterAll(() => rmSync(dir, { recursive: true }));

const convert = (...flags: string[]) => cli(['convert', adapter, '--outdir', dir, ...flags]);
const run = async (...flags: string[]) =>
  cli(['run', ...files, '--prompt', 'Hello', '--max-tokens', '3', '--json', ...flags]);

test('convert knows an adapter by itself, run and chat apply it', async () => {
  const converted = await convert('--base', DEMO, '--outtype', 'f32', '--json');
  expect(converted).toMatchObject({ status: 0, stderr: '' });
  const { adapter: file, ranks, notes } = JSON.parse(converted.stdout);
  expect(file.path).toBe(join(dir, 'tuned-lora-f32.gguf'));
  expect({ ranks, notes }).toEqual({ ranks: [4], notes: [] });
  expect(existsSync(`${file.path}.sha256`)).toBe(true);
  const tokens = async (...flags: string[]) => JSON.parse((await run(...flags)).stdout).tokens;
  const plain = await tokens();
  expect(await tokens('--lora', `${file.path}:0`)).toEqual(plain);
  expect(await tokens('--lora', `${file.path}:3`, '--lora', file.path)).not.toEqual(plain);
  const chat = await cli(['chat', ...files, '--lora', file.path, '--max-tokens', '3'], {
    stdin: 'Hello\n',
  });
  expect(chat.status).toBe(0);
});

test('convert says what it wrote and how to use it', async () => {
  const { status, stdout } = await convert('--name', 'named');
  expect(status).toBe(0);
  const path = join(dir, 'named-lora-f16.gguf');
  expect(stdout).toContain(path);
  expect(stdout).toContain('LoRA of rank 4, alpha 8');
  expect(stdout).toContain(`--lora ${path}`);
  const shown = await cli(['inspect', path]);
  expect(shown.stdout).toContain('LoRA of rank 4, alpha 8, for 21 matrices');
  expect(JSON.parse((await cli(['inspect', path, '--json'])).stdout).lora).toMatchObject({
    ...{ alpha: 8, ranks: [4], matrices: 21 },
  });
  expect((await cli(['inspect', adapter])).stdout).toContain('lora_alpha');
});

test.each([
  ['convert', '--mmproj-outtype', 'f32'],
  ['convert', '--imatrix', 'x'],
  ['convert', '--card', ''],
  ['convert', '--outtype', 'q4_k_m'],
  ['run', '--lora', 'x.gguf:1001'],
])('wrong usage: %s %s %s', async (command, ...flags) => {
  const given = flags.filter(Boolean);
  const outcome = await (command === 'run' ? run(...given) : convert(...given));
  expect(outcome).toMatchObject({ status: 2, stdout: '' });
  expect(outcome.stderr).toContain(given[0]);
});

test('flags of adapters are not for checkpoints', async () => {
  for (const flags of [['--text-only'], ['--base', DEMO]]) {
    const outcome = await cli(['convert', DEMO, '--outdir', dir, ...flags]);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
  }
});

test('a missing or foreign adapter is named', async () => {
  for (const path of [join(dir, 'none.gguf'), files[1]!]) {
    const outcome = await run('--lora', path);
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toContain(path);
  }
});
