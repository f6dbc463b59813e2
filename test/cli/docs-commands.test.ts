/** The commands and snippets of pages that name models, run as they stand there, from an empty home. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { publishedModels } from '../../src/hub/published-models.js';
import * as library from '../../src/index.js';
import { ALL_NAMES, blockModules, writeLora } from '../support/lora.js';
import { checkpoint, DEMO, namedModelRig, PICTURE, QUESTION } from '../support/named-model.js';
import { skipUnless } from '../support/skip-unless.js';
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
  const names = ['photo.jpg', 'before.jpg', 'after.jpg', 'radar.jpg', 'llava_v1_5_radar.jpg'];
  for (const name of [...names, 'photos/1.jpg', 'photos/2.jpg']) cpSync(PICTURE, join(app, name));
  cpSync(join(DEMO, 'pictures'), join(app, 'demo/pictures'), { recursive: true });
  const ai2d = join(app, 'datasets/ai2d');
  mkdirSync(ai2d, { recursive: true });
  cpSync(PICTURE, join(ai2d, 'shape.jpg'));
  const row = { question: QUESTION, options: ['red', 'orange'], answer: '1', image: 'shape.jpg' };
  writeFileSync(join(ai2d, 'test.jsonl'), JSON.stringify(row));
  return app;
}

test.each([
  'README.md',
  'docs/getting-started.md',
  'docs/models.md',
  'docs/pull.md',
  'docs/converting.md',
  'docs/eval.md',
])('the commands of %s', async (page) => {
  const cwd = furnish();
  const modules = blockModules(0, ALL_NAMES);
  await writeLora(join(cwd, 'my-adapter'), { modules });
  const commands = commandsOf(page);
  expect(commands.length).toBeGreaterThan(1);
  for (const [name, ...args] of commands) {
    expect(name).toBe('llava-onevision');
    const { status, stderr } = await rig.run(args, { cwd });
    expect(status, `${args.join(' ')}\n${stderr}`).toBe(0);
  }
});

/** Runs code in a folder of pictures, with what it imports. Models compute on one thread, and are gone afterwards. */
async function runHere(code: string): Promise<string> {
  const given: Record<string, unknown> = {};
  for (const [, names, from] of code.matchAll(/^import \{ (.*) \} from '(.*)';$/gm)) {
    const all: object = from === 'llava-onevision' ? library : await import(from!);
    for (const name of names!.split(', ').filter((name) => !name.startsWith('type '))) {
      expect(all).toHaveProperty(name);
      given[name] = all[name as keyof typeof all];
    }
  }
  const load = library.LlavaOneVision.load.bind(library.LlavaOneVision);
  const loaded: library.LlavaOneVision[] = [];
  vi.spyOn(library.LlavaOneVision, 'load').mockImplementation(async (options) => {
    const model = await load({ ...options, threads: 1 });
    loaded.push(model);
    return model;
  });
  for (const [name, value] of Object.entries(rig.env)) vi.stubEnv(name, value);
  const before = process.cwd();
  process.chdir(furnish());
  try {
    // Node 20 has no `using`.
    return await runSnippet(code.replaceAll('await using ', 'const '), given);
  } finally {
    process.chdir(before);
    for (const model of loaded) await model.dispose();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  }
}

/** The snippets of a page are one program. */
test.each([
  ['models.md', /^download [\s\S]*convert 1[\s\S]*memory 0[\s\S]*vision 1$/],
  ['getting-started.md', /^.+ \[object Object\]$/],
  [
    'api.md',
    /\nvision 1\n.*(stop|length) \d+ \d.*\n\S+ [0-9a-f]{40} \d+\n\S+-q8_0\.gguf \S+mmproj-\S+ .*(pass|fail)\n.*false$/s,
  ],
  ['sessions.md', /^.+\n\d{2,}\ntrue .+$/s],
])('the snippets of docs/%s', async (page, printed) => {
  expect(await runHere(snippetsOf(page).join('\n'))).toMatch(printed);
});

const clip = spawnSync('ffmpeg', [
  ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=d=2:s=64x64:r=4'],
  ...['-c:v', 'mpeg4', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4', '-'],
]).stdout;

test(
  'the snippets of docs/video-and-images.md',
  skipUnless(clip?.length, 'needs ffmpeg'),
  async () => {
    const server = createServer(({ url, headers }, reply) => {
      const isKnown = headers.authorization === `Basic ${btoa('me:password')}`;
      if (url === '/a.png' && !isKnown) reply.writeHead(401).end();
      else reply.end(url === '/a.png' ? readFileSync(PICTURE) : clip);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(join(furnish(), 'clip.mp4'), clip);
    const code = snippetsOf('video-and-images.md').join('\n');
    const printed = await runHere(code.replace(/https:\/\/(.*)example\.com/g, `http://$1${host}`));
    expect(printed).toMatch(/^(\d+\n){5}32\n16\n32\n3\n2$/);
  },
);

/** Where there are no such GPUs, that is all that is wrong with them, and without them they run. */
test.each(snippetsOf('install.md').map((code, i) => ({ code, number: i + 1 })))(
  'snippet $number of docs/install.md',
  async ({ code }) => {
    const [outcome] = await Promise.allSettled([runHere(code)]);
    if (outcome.status === 'rejected')
      expect(outcome.reason.backend ?? outcome.reason.argument).toMatch(/^(cuda|devices)$/);
    const onCpu = code
      .replaceAll("'cuda'", "'cpu'")
      .replace(/^ {2}(devices|tensorSplit|mainDevice):.*\n/gm, '');
    expect(await runHere(onCpu)).toContain('[object Object]');
  },
);
