/** The conversation of the command line, through pipes and in a terminal. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, MAIN } from '../support/cli.js';
import { skipUnless } from '../support/skip-unless.js';

const DEMO = join(import.meta.dirname, '../../demo');
const outdir = mkdtempSync(join(tmpdir(), 'cli-chat-'));
const FILES = [
  ...['--model', join(outdir, 'demo-f16.gguf')],
  ...['--mmproj', join(outdir, 'mmproj-demo-f16.gguf')],
];
const CHAT = ['chat', ...FILES, '--temperature', '0', '--threads', '1'];
const PICTURE = join(DEMO, 'pictures/shape-1.jpg');
const COLOUR = 'What color is the shape?';
/** Hot, with a seed by which the answer goes on for more than 1,000 tokens. */
const LONG = ['chat', ...FILES, '--temperature', '100', '--seed', '17', '--max-tokens', '3000'];

beforeAll(async () => {
  const { status } = await cli(['convert', join(DEMO, 'checkpoint'), '--outdir', outdir]);
  expect(status).toBe(0);
});
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

const say = (...lines: string[]) => cli(CHAT, { stdin: `${lines.join('\n')}\n` });

describe('through pipes', () => {
  test('a picture behind the model is for the first question; --lookup guesses what is said again, and answers the same', async () => {
    const lines = [COLOUR, COLOUR, COLOUR, '/stats'];
    const stdin = `${lines.join('\n')}\n`;
    const { status, stdout, stderr } = await cli([...CHAT, PICTURE, '--lookup', '8'], { stdin });
    expect(stdout).toBe('Orange.\nOrange.\nOrange.\n');
    expect(stderr).toMatch(/generated \(\d+ of \d+ guesses right\), stop/);
    expect(status).toBe(0);
  });

  test('lines are turns; answers go to stdout, the rest to stderr', async () => {
    const { status, stdout, stderr } = await say(
      ...[`/image ${PICTURE}`, COLOUR, '/stats', '', 'What color is the background?', '/stats'],
    );
    expect(stdout).toBe('Orange.\nPurple.\n');
    expect(stderr).toContain('shape-1.jpg, 224×112: goes with the next question.');
    const [first, second] = [...stderr.matchAll(/(\d+) visual, (\d+) cached/g)];
    expect([first![1], first![2]]).toEqual(['200', '0']);
    expect(Number(second![2])).toBeGreaterThan(200);
    expect(status).toBe(0);
  });

  test('a session is saved, cleared and loaded again', async () => {
    const file = join(outdir, 'with spaces.session');
    const first = await say(`/image "${PICTURE}"`, COLOUR, `/save ${file}`, '/clear', '/stats');
    expect(first).toMatchObject({ status: 0, stdout: 'Orange.\n' });
    const ask = `What color is the background?\n/stats\n`;
    const second = await cli([...CHAT, '--load', file], { stdin: ask });
    expect(second).toMatchObject({ status: 0, stdout: 'Purple.\n' });
    expect(second.stderr).toMatch(/200 visual, 2\d\d cached/);
    const third = await say(`/load '${file}'`, ask);
    expect(third.stdout).toBe('Purple.\n');
    expect(third.stderr).toContain('1 question, ready to go on.');
  });

  test('/system changes what the model is told', async () => {
    const { stderr } = await say(
      'Hello?',
      '/stats',
      '/system Be brief.',
      '/clear',
      'Hello?',
      '/stats',
    );
    const [before, after] = [...stderr.matchAll(/(\d+) prompt tokens/g)].map(([, n]) => Number(n));
    expect(after).toBeLessThan(before!);
  });

  test('what goes wrong is told, the conversation goes on, and the status says so', async () => {
    const { status, stdout, stderr } = await say(
      ...['/nope', '/image', '/image absent.png', `/image ${join(DEMO, 'README.md')}`],
      ...['/load absent.session', `/image ${PICTURE}`, COLOUR],
    );
    expect(stdout).toBe('Orange.\n');
    for (const told of ['no /nope', 'needs a path', 'absent.png', 'README.md', 'absent.session'])
      expect(stderr).toContain(told);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(1);
  });

  test('/exit leaves at once; //text is text; /help lists every command', async () => {
    const { status, stdout, stderr } = await say('/help', '//x', '/exit', COLOUR);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    for (const name of ['image', 'video', 'system', 'clear', 'save', 'load', 'stats', 'exit'])
      expect(stderr).toContain(`/${name}`);
    expect(status).toBe(0);
  });

  test('wrong usage has status 2', async () => {
    expect((await cli(['chat'])).status).toBe(2);
    const { status, stderr } = await cli([...CHAT, '--top-p', '7'], { stdin: 'x\n' });
    expect(stderr).toContain('--top-p');
    expect(status).toBe(2);
  });
});

describe('an interrupt', () => {
  test('stops the answer, and the next line is answered', async () => {
    const child = spawn(process.execPath, [MAIN, ...LONG]);
    const output = collect(child);
    child.stdin.write(`${COLOUR}\n`);
    await output.until(/./);
    child.kill('SIGINT');
    child.stdin.end('/stats\n/help\n');
    expect(await output.ended).toBe(0);
    expect(output.err()).toContain('Nothing was asked yet.');
  });

  test('twice ends a script with status 130', async () => {
    const child = spawn(process.execPath, [MAIN, ...LONG]);
    const output = collect(child);
    child.stdin.end(`${COLOUR}\n${COLOUR}\n`);
    await output.until(/./);
    child.kill('SIGINT');
    await output.until(/\n./);
    child.kill('SIGINT');
    expect(await output.ended).toBe(130);
  });
});

const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true;

describe('in a terminal', skipUnless(hasScript, 'needs `script` of util-linux'), () => {
  function terminal(args: string[], env: Record<string, string> = {}) {
    const command = [process.execPath, MAIN, ...args].map((arg) => `'${arg}'`).join(' ');
    // Node calls a terminal of a CI run colourless, and obeys NO_COLOR and FORCE_COLOR.
    const { CI, NO_COLOR, FORCE_COLOR, ...surroundings } = process.env;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...surroundings, TERM: 'xterm-256color', ...env },
      cwd: DEMO,
    });
    return { child, output: collect(child), type: (text: string) => child.stdin.write(text) };
  }

  test('prompts, completes paths, shows the picture, answers, leaves with Ctrl-D', async () => {
    const { output, type } = terminal(CHAT, { COLORTERM: 'truecolor' });
    await output.until(/\/help lists the commands\.[\s\S]*> $/);
    type('/ima\t');
    await output.until(/\/image $/);
    type('pictures/shape-1\t');
    await output.until(/pictures\/shape-1\.jpg$/);
    type('\r');
    await output.until(/goes with the next question\.[\s\S]*> $/);
    // Orange on purple, in half blocks.
    expect(output.out().replaceAll('\x1b', 'ESC')).toMatch(
      /ESC\[38;2;\d+;\d+;\d+mESC\[48;2;\d+;\d+;\d+m▀/,
    );
    type(`${COLOUR}\r`);
    await output.until(/Orange\.\r+\n[\s\S]*> $/);
    type('\x04');
    expect(await output.ended).toBe(0);
  });

  test('without true colour shows no picture', async () => {
    const { output, type } = terminal(CHAT, { COLORTERM: '', TERM: 'xterm' });
    await output.until(/> $/);
    type(`/image ${PICTURE}\r`);
    await output.until(/224×112/);
    type('\x04');
    expect(await output.ended).toBe(0);
    expect(output.out()).not.toContain('▀');
  });

  test('Ctrl-C stops an answer, twice leaves', async () => {
    const { output, type } = terminal(LONG);
    await output.until(/> $/);
    type(`${COLOUR}\r`);
    await output.until(/shape\?\r+\n[\s\S]{40,}/);
    type('\x03');
    await output.until(/> $/);
    type('/stats\r');
    await output.until(/Nothing was asked yet/);
    type('half a line\x03');
    await output.until(/Ctrl-C again/);
    type('\x03');
    expect(await output.ended).toBe(0);
  });
});

/** What a child says, and its end. */
function collect(child: ChildProcessWithoutNullStreams) {
  let out = '';
  let err = '';
  let look = () => {};
  child.stdout.on('data', (chunk) => {
    out += chunk;
    look();
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  /** Resolves once stdout matches what came since the last call. */
  let from = 0;
  const until = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      look = () => {
        // Cursor movements of readline.
        const text = out
          .slice(from)
          .replaceAll('\x1b', 'ESC')
          .replace(/ESC\[\d*[GJKCD]/g, '');
        if (!pattern.test(text)) return;
        from = out.length;
        look = () => {};
        resolve();
      };
      void ended.then(() => reject(new Error(`Ended before ${pattern}:\n${out}\n${err}`)));
      look();
    });
  return { until, ended, out: () => out, err: () => err };
}
