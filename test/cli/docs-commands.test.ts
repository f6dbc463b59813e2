/** The commands and snippets of the pages for newcomers, run as they stand there, from an empty home. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { publishedModels } from '../../src/hub/published-models.js';
import { LlavaOneVision, resolveModel } from '../../src/index.js';
import { checkpoint, DEMO, namedModelRig, PICTURE } from '../support/named-model.js';
import { runSnippet, snippetsOf } from '../support/snippets.js';

const rig = namedModelRig();

/** Lines of a page's `sh` fences, without their comments. @returns the words of each */
function commandsOf(page: string): string[][] {
  const text = readFileSync(join(PACKAGE_ROOT, page), 'utf8');
  const lines = Array.from(text.matchAll(/```sh\n(.*?)```/gs), ([, code]) =>
    code!.trim().split('\n'),
  ).flat();
  return lines.map((line) =>
    Array.from(
      line
        .replace(/ +# .*$/, '')
        .replace(/^npx /, '')
        .matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g),
      ([, single, double, plain]) => single ?? double ?? plain!,
    ),
  );
}

/** The published models, which all are the demonstration, and the pictures that pages talk of. */
function furnish(): string {
  for (const repo of Object.values(publishedModels)) rig.hub.commit(repo, checkpoint);
  const app = join(rig.home, 'app');
  mkdirSync(join(app, 'photos'), { recursive: true });
  for (const name of ['photo.jpg', 'before.jpg', 'after.jpg', 'photos/1.jpg', 'photos/2.jpg'])
    cpSync(PICTURE, join(app, name));
  cpSync(join(DEMO, 'pictures'), join(app, 'demo/pictures'), { recursive: true });
  return app;
}

test.each(['README.md', 'docs/getting-started.md', 'docs/models.md'])(
  'the commands of %s',
  async (page) => {
    const cwd = furnish();
    const commands = commandsOf(page);
    expect(commands.length).toBeGreaterThan(1);
    for (const [name, ...args] of commands) {
      expect(name).toBe('llava-onevision');
      const { status, stderr } = await rig.run(args, { cwd });
      expect(status, `${args.join(' ')}\n${stderr}`).toBe(0);
    }
  },
);

test('the snippets of docs/models.md', async () => {
  furnish();
  for (const [name, value] of Object.entries(rig.env)) vi.stubEnv(name, value);
  const [load, resolve] = snippetsOf('models.md');
  const printed = await runSnippet(load!, { LlavaOneVision });
  expect(printed).toMatch(/^download [\s\S]*convert 1[\s\S]*memory 0[\s\S]*vision 1$/);
  const given = { resolveModel, LlavaOneVision };
  expect(await runSnippet(resolve!, given)).toBe('');
  vi.unstubAllEnvs();
});
