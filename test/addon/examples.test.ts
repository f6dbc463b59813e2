/** The files of examples/, run with the demo model. */
import { execFileSync, spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addAltTexts } from '../../examples/alt-texts.js';
import { Bot } from '../../examples/bot.js';
import { caption } from '../../examples/captions.js';
import { watch } from '../../examples/cctv.js';
import { Invoice, readInvoice } from '../../examples/invoice.js';
import { POST } from '../../examples/nextjs/app/api/ask/route.js';
import { LlavaOneVision } from '../../src/index.js';
import { convertedFiles } from '../support/golden.js';
import { DEMO, PICTURE } from '../support/named-model.js';
import { skipUnless } from '../support/skip-unless.js';

const root = mkdtempSync(join(tmpdir(), 'examples-'));
const pictures = join(DEMO, 'pictures');
const WHAT = 'What color is the shape?';
let model: LlavaOneVision;
beforeAll(async () => {
  const files = await convertedFiles('demo', 'f16');
  model = await LlavaOneVision.load({ ...files, threads: 1, contextSize: 4096 });
  vi.stubEnv('LLAVA_MODEL', files.model);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await model?.dispose();
  rmSync(root, { recursive: true });
});

test('captions.ts writes a line for each picture, and none twice', async () => {
  const photos = join(root, 'photos/2026');
  mkdirSync(photos, { recursive: true });
  for (const name of ['shape-1.jpg', 'count-1.png'])
    cpSync(join(pictures, name), join(photos, name));
  writeFileSync(join(photos, 'broken.jpg'), 'x');
  const out = join(root, 'captions.jsonl');
  expect(await caption(model, join(root, 'photos'), out)).toMatchObject({ asked: 3, errors: 1 });
  const lines = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ id }) => id)).toEqual([
    '2026/broken.jpg',
    '2026/count-1.png',
    '2026/shape-1.jpg',
  ]);
  expect(lines[2].text).not.toBe('');
  expect(await caption(model, join(root, 'photos'), out)).toMatchObject({ asked: 0 });
});

test('alt-texts.ts writes them where there are none', async () => {
  const site = join(root, 'site');
  mkdirSync(join(site, 'blog'), { recursive: true });
  cpSync(PICTURE, join(site, 'a b.jpg'));
  const page = join(site, 'blog/index.html');
  const kept = '<img src="/x.png" alt=""><img class=y src="gone.png">';
  writeFileSync(
    page,
    `<p>${kept}<img width="3" src="/a%20b.jpg?v=2"><IMG src='../a%20b.jpg'/></p>`,
  );
  expect(await addAltTexts(model, site)).toEqual(['gone.png']);
  const html = readFileSync(page, 'utf8');
  expect(html).toContain(kept);
  expect(html).toMatch(
    /<img alt="[^"<]+" width="3" src="\/a%20b\.jpg\?v=2"><img alt="[^"<]+" src='\.\.\/a%20b\.jpg'\/><\/p>$/,
  );
  // All have one now.
  await addAltTexts(model, site);
  expect(readFileSync(page, 'utf8')).toBe(html);
});

/** The model, which sees no invoice and would write to the end of its tokens: here it would rather open, close and end. */
function terse(): LlavaOneVision {
  const ids = JSON.parse(readFileSync(join(DEMO, 'checkpoint/vocab.json'), 'utf8'));
  const marks = { '{': 60, '}': 50, ']': 50, '"': 50, ',': 40 };
  const logitBias = Object.fromEntries(Object.entries(marks).map(([mark, b]) => [ids[mark], b]));
  const chat: LlavaOneVision['chat'] = (messages, options) =>
    model.chat(messages, { ...options!, logitBias });
  return Object.assign(Object.create(model), { chat });
}

test('invoice.ts answers in its form', async () => {
  const { addsUp, ...read } = (await readInvoice(terse(), PICTURE))!;
  expect(Invoice.parse(read)).toEqual(read);
  expect(read.lines).toHaveLength(1);
  expect(addsUp).toBe(read.lines[0]!.amount === read.total);
});

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
test('cctv.ts says a line for each clip', skipUnless(hasFfmpeg, 'needs ffmpeg'), async () => {
  const clip = join(root, 'door.mp4');
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=112x112:rate=4:duration=2'];
  execFileSync('ffmpeg', ['-v', 'error', ...source, '-pix_fmt', 'yuv420p', clip]);
  const lines: string[] = [];
  for await (const line of watch(model, [clip, join(root, 'gone.mp4')])) lines.push(line);
  expect(lines.sort()).toEqual([
    expect.stringMatching(/^[ !?] door\.mp4: /),
    expect.stringMatching(/^\? gone\.mp4: .*no such file/),
  ]);
});

test('bot.ts remembers each channel, also after a restart', async () => {
  const folder = join(root, 'sessions');
  const bot = new Bot(model, folder);
  const [one, other] = await Promise.all([
    bot.answer('cats/1', WHAT, [PICTURE]),
    bot.answer('dogs', 'How many?'),
  ]);
  expect([one, typeof other]).toEqual(['Orange.', 'string']);
  const again = new Bot(model, folder);
  await again.answer('cats/1', 'And its shape?');
  const session = await model.loadSession(join(folder, 'cats%2F1.session'));
  expect(session.messages.map(({ role }) => role).slice(-4)).toEqual([
    'user',
    'assistant',
    'user',
    'assistant',
  ]);
});

test('route.ts streams an answer, and refuses what is no picture', async () => {
  const post = (picture: Blob | string) => {
    const form = new FormData();
    form.set('picture', picture);
    form.set('question', WHAT);
    return POST(new Request('http://app.example/api/ask', { method: 'POST', body: form }));
  };
  const response = await post(new Blob([readFileSync(PICTURE)]));
  expect([response.status, await response.text()]).toEqual([200, 'Orange.']);
  const refused = await post(new Blob(['x']));
  expect([refused.status, await refused.json()]).toEqual([
    422,
    { code: 'ERR_IMAGE_DECODE', error: expect.any(String) },
  ]);
  expect((await post('x')).status).toBe(400);
  await (await (globalThis as { llava?: Promise<LlavaOneVision> }).llava)?.dispose();
});

test('the main process of Electron answers its window', async () => {
  const ipcMain = { handle: vi.fn() };
  const app = Object.assign(new EventEmitter(), { whenReady: async () => {} });
  const loadFile = vi.fn(async () => {});
  const BrowserWindow = vi.fn(function (this: object) {
    Object.assign(this, { loadFile });
  });
  vi.doMock('electron', () => ({ app, BrowserWindow, ipcMain }));
  await import('../../examples/electron/main.mjs' as string);
  expect(loadFile).toHaveBeenCalledWith('index.html');
  const handler = ipcMain.handle.mock.calls[0]![1];
  const sender = Object.assign(new EventEmitter(), { send: vi.fn() });
  const ask = { picture: PICTURE, question: WHAT };
  expect(await handler({ sender }, ask)).toBe('Orange.');
  const texts = sender.send.mock.calls.filter(([channel]) => channel === 'text');
  expect(texts.map(([, text]) => text).join('')).toBe('Orange.');
  expect(sender.send).toHaveBeenCalledWith('loading', { stage: 'vision', fraction: 1 });
  expect(sender.listenerCount('destroyed')).toBe(0);
  const left = handler({ sender }, ask);
  sender.emit('destroyed');
  await expect(left).rejects.toThrow('aborted');
  app.emit('will-quit');
});

test('its preload script asks and hands on what comes', async () => {
  const ipcRenderer = Object.assign(new EventEmitter(), {
    invoke: vi.fn(async () => {
      ipcRenderer.emit('text', {}, 'Or');
      ipcRenderer.emit('text', {}, 'ange.');
      return 'Orange.';
    }),
  });
  let llava: { ask(...args: unknown[]): Promise<string> } | undefined;
  const contextBridge = { exposeInMainWorld: (_: string, api: typeof llava) => (llava = api) };
  const path = join(DEMO, '../examples/electron/preload.cjs');
  const require = createRequire(pathToFileURL(path));
  const code = readFileSync(path, 'utf8');
  new Function('require', code)((name: string) =>
    name === 'electron' ? { contextBridge, ipcRenderer } : require(name),
  );
  const texts: string[] = [];
  expect(await llava!.ask(PICTURE, WHAT, (text: string) => texts.push(text))).toBe('Orange.');
  expect(texts).toEqual(['Or', 'ange.']);
  expect(ipcRenderer.listenerCount('text')).toBe(0);
});
