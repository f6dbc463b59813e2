/** The commands and the program of docs/server.md, run as they stand there: curl against a server, the program with its model. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LlavaOneVision } from '../../src/index.js';
import { createServer } from '../../src/server/index.js';
import { PICTURE } from '../support/demo-chats.js';
import { fencesOf } from '../support/fences.js';
import { convertedFiles } from '../support/golden.js';
import { startServe } from '../support/serve-child.js';
import { eventsOf } from '../support/serving.js';
import { commandsOf, runSnippet, snippetsOf } from '../support/snippets.js';

const hasCurl = spawnSync('curl', ['--version']).status === 0;

let model: LlavaOneVision;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llava-onevision-docs-'));
  copyFileSync(PICTURE, join(folder, 'picture.png'));
  const files = await convertedFiles('demo', 'f16');
  model = await LlavaOneVision.load({ ...files, contextSize: 2048, threads: 1 });
});
afterAll(async () => {
  await model?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

it.skipIf(!hasCurl)('the server says what the page shows, and curl is answered', async () => {
  const [start, whole, stream, ...others] = snippetsOf('docs/server.md', 'sh');
  expect(others).toEqual([]);
  const [[name, command, ...args] = [], ...more] = commandsOf(start!);
  expect([name, command, more]).toEqual(['llava-onevision', 'serve', []]);
  const env = { ...process.env, LLAVA_ONEVISION_CACHE: join(folder, 'cache') };
  const { said, base } = await startServe(args, { env });
  const figures = (text: string) => text.replace(/:\d+|[\d.]+ MB/g, '#');
  const [shown] = fencesOf('docs/server.md').filter(({ language }) => language === 'text');
  expect(figures(said)).toBe(figures(shown!.code));
  const shell = (code: string) => {
    const here = code.replaceAll('http://127.0.0.1:8080/v1', base);
    return spawnSync('sh', ['-c', here], { cwd: folder, encoding: 'utf8' }).stdout;
  };
  const answer = JSON.parse(shell(whole!));
  expect(answer.choices[0].message.content).toMatch(/^A .+\.$/);
  const events = eventsOf(shell(stream!));
  expect(events.at(-1).usage.completion_tokens).toBeGreaterThan(0);
});

it('the program runs', async () => {
  const [code, ...others] = snippetsOf('docs/server.md');
  expect(others).toEqual([]);
  const printed = await runSnippet(code!, { model, createServer });
  expect(Number(printed)).toBeGreaterThan(0);
});
