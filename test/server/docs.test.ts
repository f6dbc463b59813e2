/** The commands and the program of docs/server.md, run as they stand there: curl against a server, the program with its model. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LlavaOneVision } from '../../src/index.js';
import { createServer } from '../../src/server/index.js';
import { PICTURE } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';
import { eventsOf, listening } from '../support/serving.js';
import { runSnippet, snippetsOf } from '../support/snippets.js';

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

it.skipIf(!hasCurl)('curl is answered', async () => {
  const app = createServer(model, { modelName: 'demo' });
  const { url } = await listening(app);
  const [whole, stream, ...others] = snippetsOf('server.md', 'sh').map((code) =>
    code.replaceAll('http://127.0.0.1:8080', url),
  );
  expect(others).toEqual([]);
  const answer = JSON.parse(await shell(whole!));
  expect(answer.choices[0].message.content).toMatch(/^A .+\.$/);
  const events = eventsOf(await shell(stream!));
  expect(events.at(-1).usage.completion_tokens).toBeGreaterThan(0);
  await app.close();
});

/** Not at once: the server is in this process. */
async function shell(command: string): Promise<string> {
  const child = spawn('sh', ['-c', command], { cwd: folder });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}

it('the program runs', async () => {
  const [code, ...others] = snippetsOf('server.md');
  expect(others).toEqual([]);
  const printed = await runSnippet(code!, { model, createServer });
  expect(Number(printed)).toBeGreaterThan(0);
});
