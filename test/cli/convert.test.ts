/** `convert` as a process: a full disk, Ctrl-C, and being killed leave whole files or none. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, MAIN } from '../support/cli.js';
import { skipUnless } from '../support/skip-unless.js';

const DEMO = join(import.meta.dirname, '../../demo/checkpoint');

let dir: string;
let outdir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cli-convert-'));
  outdir = join(dir, 'out');
});
afterEach(() => rmSync(dir, { recursive: true }));

const args = (...more: string[]) => ['convert', DEMO, '--outdir', outdir, '--name', 'd', ...more];

/** By name; hidden ones too. */
const contents = (folder: string): Record<string, string> =>
  existsSync(folder)
    ? Object.fromEntries(
        readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]),
      )
    : {};

const notOnWindows = skipUnless(process.platform !== 'win32', 'needs signals and ulimit of Unix');

// Bytes of a file beyond which writing fails, as on a full disk: Node ignores the signal that comes with it.
describe('files that cannot grow', notOnWindows, () => {
  /** Units of `ulimit -f`: 512 bytes, or 1024 where sh is bash. */
  const limited = (units: number) =>
    spawnSync(
      'sh',
      ['-c', `ulimit -f ${units} && exec "$0" "$@"`, process.execPath, MAIN, ...args('--quiet')],
      { encoding: 'utf8' },
    );

  // In the header, in the tensors of the mmproj (1.8 MB), in those of the decoder (4.2 MB).
  test.each([2, 700, 3800])('are told of, and nothing is left: limit %i', async (units) => {
    const { status, stdout, stderr } = limited(units);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Cannot write .*: File too large\n$/);
    expect(contents(outdir)).toEqual({});
  });

  test('leave the files of an earlier conversion', async () => {
    expect((await cli(args())).status).toBe(0);
    const before = contents(outdir);
    expect(Object.keys(before)).toHaveLength(4);
    expect(limited(3800).status).toBe(1);
    expect(contents(outdir)).toEqual(before);
  });
});

/** Has the process do `code` in the middle of its work: at its Nth read of a file. */
const atRead = (nRead: number, code: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`
    import { open } from 'node:fs/promises';
    const file = await open(process.execPath);
    const { read } = Object.getPrototypeOf(file);
    await file.close();
    let left = ${nRead};
    Object.getPrototypeOf(file).read = function (...args) {
      if (--left === 0) { ${code} }
      return read.apply(this, args);
    };
  `)}`,
});
/** At its Nth rename: the whole files get their names one after the other. */
const atRename = (nRename: number, code: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`
    import fs from 'node:fs/promises';
    import { syncBuiltinESMExports } from 'node:module';
    const { rename } = fs;
    let left = ${nRename};
    fs.rename = async (...args) => {
      if (--left === 0) { ${code} }
      return rename(...args);
    };
    syncBuiltinESMExports();
  `)}`,
});

describe('Ctrl-C', notOnWindows, () => {
  const INTERRUPT = `process.kill(process.pid, 'SIGINT');`;

  test.each([4, 40, 100])('at read %i ends with status 130 and no file', async (nRead) => {
    const { status, stdout } = await cli(args(), { env: atRead(nRead, INTERRUPT) });
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(contents(outdir)).toEqual({});
  });

  test('while it checks, over files of an earlier conversion, keeps those', async () => {
    mkdirSync(outdir);
    writeFileSync(join(outdir, 'd-f16.gguf'), 'earlier');
    const env = atRead(150, INTERRUPT);
    const { status } = await cli(args('--verify'), { env });
    expect(status).toBe(130);
    expect(readdirSync(outdir)).toEqual(['d-f16.gguf']);
    expect(readFileSync(join(outdir, 'd-f16.gguf'), 'utf8')).toBe('earlier');
  });
});

describe('a process that is killed', notOnWindows, () => {
  const KILL = `process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});`;
  const KILL_NOW = `process.kill(process.pid, 'SIGKILL');`;

  test.each([
    ['before the first tensor', atRead(4, KILL_NOW), []],
    ['in the mmproj', atRead(40, KILL_NOW), []],
    ['in the decoder', atRead(100, KILL_NOW), []],
    ['before the first file has its name', atRename(1, KILL), []],
    ['between the two', atRename(2, KILL), ['d-f16.gguf']],
    ['before the checksums', atRename(3, KILL), ['d-f16.gguf', 'mmproj-d-f16.gguf']],
  ])('%s: names hold whole files, and the next run makes good', async (_, env, expected) => {
    const whole = join(dir, 'whole');
    const run = ['convert', DEMO, '--name', 'd', '--outdir'];
    expect((await cli([...run, whole])).status).toBe(0);
    const good = contents(whole);
    expect((await cli(args(), { env })).status).toBe(null);
    const left = Object.entries(contents(outdir)).filter(([name]) => !name.endsWith('.tmp'));
    expect(left.map(([name]) => name)).toEqual(expected);
    for (const [name, content] of left) expect(content === good[name], name).toBe(true);
    expect((await cli(args())).status).toBe(0);
    const after = contents(outdir);
    expect(Object.keys(after)).toEqual(Object.keys(good));
    for (const [name, content] of Object.entries(after))
      expect(content === good[name], name).toBe(true);
  });
});

test(
  'the line to try it can be pasted into a shell, whatever the folder is called',
  notOnWindows,
  async () => {
    const folder = join(dir, 'it\'s $HOME, `really` "so"');
    const { status, stdout } = await cli(['convert', DEMO, '--outdir', folder]);
    expect(status).toBe(0);
    const line = /^ {2}llava-onevision (run .*)$/m.exec(stdout)![1]!;
    const picture = join(DEMO, '../pictures/shape-1.jpg');
    const script = `exec "$0" "$1" --quiet ${line.replace('PICTURE', picture)} --threads 1`;
    const run = spawnSync('sh', ['-c', script, process.execPath, MAIN], { encoding: 'utf8' });
    expect(run).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/\w/) });
  },
);
