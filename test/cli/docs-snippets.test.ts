/** The TypeScript of pages that name models, run as it stands there, from an empty home. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import * as library from '../../src/index.js';
import { docsApp } from '../support/docs-app.js';
import { namedModelRig, PICTURE } from '../support/named-model.js';
import { skipUnless } from '../support/skip-unless.js';
import { runSnippet, snippetsOf } from '../support/snippets.js';

const rig = namedModelRig();

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
  process.chdir(await docsApp(rig));
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
  expect(await runHere(snippetsOf(`docs/${page}`).join('\n'))).toMatch(printed);
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
    writeFileSync(join(await docsApp(rig), 'clip.mp4'), clip);
    const code = snippetsOf('docs/video-and-images.md').join('\n');
    const printed = await runHere(code.replace(/https:\/\/(.*)example\.com/g, `http://$1${host}`));
    expect(printed).toMatch(/^(\d+\n){5}32\n16\n32\n3\n2$/);
  },
);

/** Where there are no such GPUs, that is all that is wrong with them, and without them they run. */
test.each(snippetsOf('docs/install.md').map((code, i) => ({ code, number: i + 1 })))(
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

test('the configuration of Next.js that docs/install.md shows names this package', async () => {
  const [code, ...others] = snippetsOf('docs/install.md', 'js');
  expect(others).toEqual([]);
  const { default: config } = await import(`data:text/javascript,${encodeURIComponent(code!)}`);
  expect(config).toEqual({ serverExternalPackages: ['llava-onevision'] });
});
