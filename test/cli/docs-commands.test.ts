/**
 * The commands of pages, run one after the other as they stand there, in a folder where what they name is. Where a test
 * cannot do as a reader does: a server listens at 127.0.0.1, at a port that is free, and is asked for its page and ended;
 * a browser writes down what it is shown; of a benchmark's questions the first few are asked.
 */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { docsApp } from '../support/docs-app.js';
import { eventually } from '../support/eventually.js';
import { fakeBrowser } from '../support/fake-browser.js';
import { RUN_BY } from '../support/fences.js';
import { namedModelRig } from '../support/named-model.js';
import { startServe } from '../support/serve-child.js';
import { commandsOf, snippetsOf } from '../support/snippets.js';

const rig = namedModelRig();

async function serve(args: string[], cwd: string): Promise<void> {
  const browser = fakeBrowser(rig.home);
  const env = { ...process.env, ...rig.env, ...browser.env };
  const here = args.map((word) => word.replace(/^10\.0\.0\.\d$/, '127.0.0.1'));
  const { child, base } = await startServe(here, { cwd, env });
  const page = new URL('/', base).href;
  expect((await fetch(page)).status).toBe(200);
  if (args.includes('--open') && process.platform !== 'win32')
    await eventually(() => expect(browser.shown()).toBe(page));
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}

async function runCommand([name, ...args]: string[], cwd: string): Promise<void> {
  expect(name).toBe('llava-onevision');
  if (args[0] === 'serve') return serve(args.slice(1), cwd);
  const few = args.includes('demo-vqa') ? ['--limit', '6'] : [];
  const { status, stderr } = await rig.run([...args, ...few], { cwd });
  expect(status, `${args.join(' ')}\n${stderr}`).toBe(0);
}

const pages = RUN_BY['cli/docs-commands.test.ts']!.map((each) => each.split(' ')[0]!);
/** What these make is in nobody's way: they share a home, and so the model that is converted. */
const together = [
  'README.md',
  'docs/getting-started.md',
  'docs/chat-page.md',
  'docs/scaling.md',
  'docs/structured-answers.md',
  'docs/eval-scoring.md',
  'docs/eval.md',
];
const alone = pages.filter((page) => !together.includes(page));

test.each([together, ...alone.map((page) => [page])])('the commands of %s', async (...read) => {
  const cwd = await docsApp(rig);
  for (const page of read) {
    const commands = snippetsOf(page, 'sh').flatMap(commandsOf);
    expect(commands.length, page).toBeGreaterThan(0);
    for (const command of commands) await runCommand(command, cwd);
  }
});
