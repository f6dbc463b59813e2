import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, MAIN } from '../support/cli.js';

const manifest = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { version: string };
const FILES = ['--model', 'm.gguf', '--mmproj', 'p.gguf'];

test('--help lists the commands', async () => {
  const { status, stdout, stderr } = await cli(['--help']);
  expect(status).toBe(0);
  expect(stderr).toBe('');
  for (const command of ['convert', 'run', 'inspect', 'doctor']) expect(stdout).toContain(command);
});

test.each(['convert', 'run', 'inspect', 'doctor'])('%s --help shows examples', async (command) => {
  const { status, stdout } = await cli([command, '--help']);
  expect(status).toBe(0);
  expect(stdout).toContain(`$ llava-onevision ${command}`);
});

test('--version is the package version', async () => {
  expect(await cli(['--version'])).toEqual({
    status: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  });
});

describe('wrong usage ends with status 2 and says why on stderr', () => {
  test.each([
    ['no command', [], /Usage: llava-onevision/],
    ['an unknown command', ['paint'], /unknown command 'paint'/],
    ['a model in its place', ['demo', 'a b.jpg', 'x?'], /onevision run demo 'a b\.jpg' 'x\?'\?/],
    ['a question to chat', ['chat', 'demo', 'What is it?'], /run demo 'What is it\?'/],
    ["another program's command", ['ls'], /unknown command 'ls'\n.*llava-onevision models\?/],
    ['an unknown option', ['doctor', '--loud'], /unknown option '--loud'/],
    ['a missing option', ['run', ...FILES], /--prompt/],
    ['a misspelt option', ['run', ...FILES, '--promt', 'x'], /'--promt'[\s\S]*--prompt/],
    ['an unknown option of build', ['build', '--nonsense'], /nonsense/],
    ['a missing argument', ['inspect'], /missing required argument 'file'/],
    ['no number', ['run', ...FILES, '--prompt', 'x', '--temperature', 'hot'], /Not a number/],
    ['no count', ['run', ...FILES, '--prompt', 'x', '--max-tokens', '-1'], /Not a count/],
    ['no such choice', ['run', ...FILES, '--prompt', 'x', '--dialect', 'other'], /llava-next/],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await cli(args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe('failures end with status 1 and one message', () => {
  test.each([
    ['run', ['run', '--model', 'absent.gguf', '--mmproj', 'absent-too.gguf', '--prompt', 'x']],
    ['inspect', ['inspect', 'absent.gguf']],
    ['convert', ['convert', 'absent', '--outdir', '/tmp/never-made']],
  ])('%s on a file that is not there', async (_, args) => {
    const { status, stdout, stderr } = await cli(args);
    expect(stderr).toMatch(/absent/);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });
});

test.runIf(process.platform === 'linux')('a full disk behind stdout is said', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, 'doctor', '--json'], {
    stdio: ['ignore', full, 'pipe'],
  });
  let stderr = '';
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const [status] = await once(child, 'close');
  closeSync(full);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/stdout.*ENOSPC/)]);
});

test.runIf(process.platform === 'linux')('an --outdir that cannot be made ends', async () => {
  const demo = join(import.meta.dirname, '../../demo/checkpoint');
  const { status, stderr } = await cli(['convert', demo, '--outdir', '/proc/x']);
  expect([status, stderr]).toEqual([1, expect.stringContaining('Cannot write /proc/x')]);
});

describe('doctor', () => {
  test('--json reports versions, addon, devices and memory', async () => {
    const { status, stdout } = await cli(['doctor', '--json']);
    const report = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(report.versions).toEqual({ package: manifest.version, node: process.versions.node });
    expect(report.addon.backends).toContain('CPU');
    expect(report.addon.devices.map((device: { type: string }) => device.type)).toContain('cpu');
    expect(report.addon.physicalCores).toBeGreaterThan(0);
    expect(report.addon.waitingThreadsSleep).toBe(true);
    expect(report.addon.path).toMatch(/\.node$/);
    expect(report.memory.total).toBeGreaterThan(report.memory.free);
  });

  test('without an addon ends with status 1 and says what to do', async () => {
    const env = { LLAVAOV_BINDING: '/nowhere' };
    const { status, stdout } = await cli(['doctor'], { env });
    expect(status).toBe(1);
    expect(stdout).toContain('cannot be loaded');
    expect(stdout).toContain('npm run build:native');
    expect(stdout).toContain(`Node             ${process.versions.node}`);
  });
});

test('eval alone explains itself', async () => {
  const { status, stdout, stderr } = await cli(['eval']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^Usage: llava-onevision eval /);
  expect(stderr).toMatch(/check-scorers[\s\S]*Examples:/);
  expect(stderr).not.toContain('error:');
  expect((await cli(['eval', 'ai2d'])).stderr).toContain('--data');
});
