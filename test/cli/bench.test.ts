/** `bench`: figures of a model, in words and as JSON; nothing is said of how large they are, which is the machine's. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cli } from '../support/cli.js';

const SHORT = ['--threads', '1', '--prompt-tokens', '60', '--tokens', '5'];

test('pictures, prompts and answers of the lengths that were asked for', async () => {
  const { status, stdout, stderr } = await cli([
    'bench',
    'demo',
    '--json',
    '--runs',
    '2',
    ...SHORT,
  ]);
  expect(status, stderr).toBe(0);
  const { picture, prefill, generation, memory, info } = JSON.parse(stdout);
  expect(picture.tiles).toBeGreaterThan(1);
  expect(picture.rows).toBeGreaterThan(50);
  // The template's tokens besides.
  expect(prefill.tokens).toBeGreaterThan(60);
  expect(prefill.tokens).toBeLessThan(120);
  expect(generation.tokens).toBe(5);
  const figures = [picture.tileMs, prefill.tokensPerSecond, generation.tokensPerSecond];
  for (const figure of figures) expect(figure).toBeGreaterThan(0);
  expect(picture.firstTokenMs).toBeGreaterThan(picture.tileMs * picture.tiles);
  expect(memory.peakBytes).toBeGreaterThan(10e6);
  expect(info.threads).toBe(1);
});

test('in words and as a page; wrong usage', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const page = join(folder, 'new', 'bench.html');
  const once = ['bench', 'demo', '--runs', '1', ...SHORT, '--html', page];
  const { status, stdout } = await cli(once);
  expect(status).toBe(0);
  const html = readFileSync(page, 'utf8');
  expect(html.match(/class="value"/g)).toHaveLength(5);
  expect(html).not.toMatch(/(?:src|href)=/);
  for (const label of ['Tile', 'First token', 'Prompt', 'Answer', 'Memory']) {
    const [, text = 'nothing'] = new RegExp(`^${label} +(\\d.*)`, 'm').exec(stdout) ?? [];
    expect(html).toContain(`<tr><td>${label}</td><td class="number">${text}</td></tr>`);
  }
  expect((await cli(['bench', 'demo', '--runs', '0'])).status).toBe(2);
  expect((await cli(['bench'])).stderr).toContain('missing MODEL');
});
