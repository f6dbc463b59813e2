// `serve` as its users start it: the line at the start, keys that are read again, a stop that lets answers finish.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { cli, MAIN } from '../support/cli.js';
import { PICTURE } from '../support/demo-chats.js';
import { eventually } from '../support/eventually.js';
import { fakeBrowser } from '../support/fake-browser.js';
import { convertedFiles } from '../support/golden.js';

let folder: string;
let files: { model: string; mmproj: string };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llava-onevision-serve-'));
  files = await convertedFiles('demo', 'f16');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  child: ChildProcessWithoutNullStreams;
  line: string;
  url: string;
  stderr: () => string;
}

async function start(flags: string[], env = process.env): Promise<Running> {
  const common = ['--mmproj', files.mmproj, '--threads', '1', '--port', '0'];
  const child = spawn(process.execPath, [MAIN, 'serve', files.model, ...common, ...flags], { env });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [first] = await once(child.stdout, 'data');
  const line = String(first);
  return { child, line, url: /http:\S+\/v1/.exec(line)![0], stderr: () => stderr };
}

const ask = (url: string, body: object, key = 'one') =>
  fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });

it('shows its page, answers about a picture, reads its keys again, and stops in order', async () => {
  const keys = join(folder, 'keys.txt');
  writeFileSync(keys, '# mine\none\n');
  const { env, shown } = fakeBrowser(folder);
  const { child, line, url, stderr } = await start(['--open', '--api-key-file', keys], {
    ...process.env,
    ...env,
  });
  expect(line).toMatch(
    /^demo-f16 at (http:\/\/127\.0\.0\.1:\d+\/)v1, about [\d.]+ .?B of memory, 8 chats.*\nThe chat page is at \1\n$/,
  );
  if (process.platform !== 'win32')
    await eventually(() => expect(shown()).toBe(new URL('/', url).href));
  const image = `data:image/png;base64,${readFileSync(PICTURE).toString('base64')}`;
  const content = [
    { type: 'image_url', image_url: { url: image } },
    { type: 'text', text: 'Describe the image.' },
  ];
  const reply = await ask(url, { messages: [{ role: 'user', content }] });
  // biome-ignore lint/suspicious/noExplicitAny: an answer's JSON
  const { choices, usage } = (await reply.json()) as any;
  expect(choices[0].message.content).toMatch(/^A .+\.$/);
  expect(usage.prompt_tokens_details.image_tokens).toBeGreaterThan(100);

  writeFileSync(keys, 'two\n');
  child.kill('SIGHUP');
  await eventually(async () => {
    const headers = { authorization: 'Bearer two' };
    expect((await fetch(`${url}/models`, { headers })).status).toBe(200);
  });
  expect((await ask(url, {}, 'one')).status).toBe(401);
  writeFileSync(keys, '\n');
  child.kill('SIGHUP');
  await eventually(() => expect(stderr()).toContain('The keys stay as they were'));

  const endless = { logit_bias: { 1256: -100, 1258: -100 }, max_tokens: 200, stream: true };
  const stream = await ask(url, { ...endless, messages: [{ role: 'user', content: 'Go' }] }, 'two');
  child.kill('SIGTERM');
  expect(await stream.text()).toMatch(/"finish_reason":"length"[\s\S]*\[DONE\]\n\n$/);
  const [status] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  expect(status).toBe(0);
  expect(stderr()).not.toMatch(/Describe|base64|one"/);
});

it.each([
  ['another address without keys', ['--host', '0.0.0.0'], /--api-key-file/],
  ['no model', [], /missing MODEL/],
  ['a file of keys that is not there', ['--api-key-file', '/nowhere/keys'], /ENOENT/],
  ['a page that is not served', ['--open', '--no-page'], /--no-page/],
  ['no such level', ['--log-level', 'loud'], /silent/],
  ['no such port', ['--port', '99999'], /'--port <n>'.* 0 to 65535/],
])('%s is wrong usage', async (name, flags, message) => {
  const { status, stderr } = await cli([
    'serve',
    ...(name === 'no model' ? [] : ['m.gguf']),
    ...flags,
  ]);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(status).toBe(2);
});

it('a port that is taken is said before the model is looked for', async () => {
  const taken = createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const { status, stderr } = await cli(['serve', '/nowhere/m.gguf', '--port', `${port}`]);
  expect(stderr).toContain(`error: option '--port <n>': another program listens at port ${port}`);
  expect([status, stderr]).toEqual([2, expect.stringContaining('--port 0')]);
});
