import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli.js';

const DEMO = join(import.meta.dirname, '../../demo');
const outdir = mkdtempSync(join(tmpdir(), 'cli-run-'));
const FILES = [
  ...['--model', join(outdir, 'demo-f16.gguf')],
  ...['--mmproj', join(outdir, 'mmproj-demo-f16.gguf')],
];
const IMAGE = ['--image', join(DEMO, 'pictures/shape-1.jpg')];
const QUESTION = 'What color is the shape?';
const ask = (...more: string[]) => cli(['run', ...FILES, ...IMAGE, '--prompt', QUESTION, ...more]);

beforeAll(async () => {
  const { status, stderr } = await cli(['convert', join(DEMO, 'checkpoint'), '--outdir', outdir]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

test('the answer goes to stdout, and nothing to stderr', async () => {
  expect(await ask()).toEqual({ status: 0, stdout: 'Orange.\n', stderr: '' });
});

test.each([
  ['--devices', 'GPU99'],
  ['--main-device', 'GPU99'],
])('%s of a GPU that is not there is wrong usage', async (flag, name) => {
  const { status, stderr } = await ask('--backend', 'cpu', flag, name);
  expect(stderr).toContain(flag);
  expect(stderr).toContain(`received "${name}"`);
  expect(status).toBe(2);
});

test('--json prints one object', async () => {
  const { status, stdout } = await ask('--json');
  const result = JSON.parse(stdout);
  expect(status).toBe(0);
  expect(result.text).toBe('Orange.');
  expect(result.finishReason).toBe('stop');
  expect(result.usage.completionTokens).toBeGreaterThan(0);
  expect(result.usage.promptTokens).toBeGreaterThan(result.usage.visualTokens);
  expect(result.media).toMatchObject([{ kind: 'image' }]);
});

test('--prompt - reads the question from stdin', async () => {
  const args = ['run', ...FILES, ...IMAGE, '--prompt', '-'];
  const { stdout } = await cli(args, { stdin: `${QUESTION}\n` });
  expect(stdout).toBe('Orange.\n');
});

test('--image and --video are given in their order', async (context) => {
  const clip = join(outdir, 'clip.mkv');
  const picture = IMAGE[1]!;
  const still = ['-v', 'error', '-loop', '1', '-i', picture, '-frames:v', '3', '-y', clip];
  context.skip(spawnSync('ffmpeg', still).status !== 0, 'needs ffmpeg');
  const media = ['--image', picture, '--video', clip, '--image', picture, '--frames', '2'];
  const args = ['run', ...FILES, ...media, '--prompt', QUESTION, '--json'];
  const { status, stdout, stderr } = await cli(args);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(JSON.parse(stdout).media).toMatchObject([
    { kind: 'image', grid: null },
    { kind: 'video', frames: [0, 2] },
    { kind: 'image', cached: true },
  ]);
});

test('--multi-image anyres tiles every picture; --visual-cache-dir spares the next run', async () => {
  const dir = join(outdir, 'seen');
  const options = ['--multi-image', 'anyres', '--visual-cache-dir', dir, '--json'];
  for (const cached of [false, true]) {
    const { stdout } = await ask(...IMAGE, ...options);
    const { media } = JSON.parse(stdout);
    expect(media[0]).toMatchObject({ kind: 'image', cached });
    expect(media[1].grid).not.toBeNull();
  }
});

test('--max-tokens bounds the answer; --stats reports on stderr', async () => {
  const { stdout, stderr } = await ask('--max-tokens', '1', '--stats');
  expect(stdout.length).toBeLessThan('Orange.\n'.length);
  expect(stderr).toMatch(/ 1 generated, length\n/);
});

test('--show-tiles draws what the model sees, by the name of the file', async () => {
  const [png, svg] = [join(outdir, 'seen.png'), join(outdir, 'seen.svg')];
  for (const file of [png, svg]) {
    const { status, stdout, stderr } = await ask('--show-tiles', file);
    expect([status, stdout, stderr]).toEqual([0, 'Orange.\n', '']);
  }
  expect(readFileSync(png).subarray(1, 4).toString()).toBe('PNG');
  expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*pixels, as .* tiles of 112.*<\/svg>$/s);
  const { status, stderr } = await ask('--show-tiles', join(outdir, 'seen.gif'));
  expect(stderr).toContain('.png or .svg');
  expect(status).toBe(2);
});

test("--verbose shows llama.cpp's log", async () => {
  expect((await ask('--verbose')).stderr).toContain('llama');
});

test('--max-pixels refuses larger pictures and says what to do', async () => {
  const { status, stdout, stderr } = await ask('--max-pixels', '1000');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('--max-pixels');
  expect((await ask('--max-pixels', '4m')).status).toBe(2);
  expect((await ask('--max-pixels', '1000000')).stdout).toBe('Orange.\n');
});

test('an interrupt ends the answer with status 130', async () => {
  // Hot enough that the answer goes on for a while.
  const long = ['--temperature', '100', '--seed', '1', '--max-tokens', '3000'];
  const args = ['run', ...FILES, ...IMAGE, '--prompt', QUESTION, ...long];
  const { status, stderr } = await cli(args, { interrupt: true });
  expect(stderr).toBe('');
  expect(status).toBe(130);
});

describe('what cannot be done', () => {
  test('a picture that is not there: status 1', async () => {
    const { status, stderr } = await cli([
      ...['run', ...FILES, '--image', 'absent.png', '--prompt', 'x'],
    ]);
    expect(stderr).toContain('absent.png');
    expect(status).toBe(1);
  });

  test('a clip that is not there: status 1', async () => {
    const { status, stderr } = await cli([
      ...['run', ...FILES, '--video', 'absent.mp4', '--prompt', 'x'],
    ]);
    expect(stderr).toContain('absent.mp4');
    expect(status).toBe(1);
  });

  test('a number of frames out of range: status 2, naming the option', async () => {
    for (const frames of ['0', '4097', 'all']) {
      const { status, stderr } = await ask('--frames', frames);
      expect(stderr).toContain('--frames');
      expect(status).toBe(2);
    }
  });

  test('an option out of range: status 2, naming the option', async () => {
    const { status, stdout, stderr } = await ask('--top-p', '7');
    expect(stderr).toContain('--top-p');
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  test('the files swapped: status 1', async () => {
    const [model, mmproj] = [FILES[1]!, FILES[3]!];
    const { status } = await cli([
      ...['run', '--model', mmproj, '--mmproj', model, '--prompt', 'x'],
    ]);
    expect(status).toBe(1);
  });
});
