// Pictures and clips on the chat page, with `serve` and the demonstration's model: every way in, what is sent, what the model saw;
// and a server that goes away and comes back.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { skipUnless } from '../support/skip-unless.js';
import { type DemoServe, demoServe } from './rig/demo-serve.js';
import { answered, ask, attach, fill, newest, press, sees, seesNot } from './rig/page-acts.js';
import {
  browserTests,
  leave,
  named,
  startBrowser,
  type Visit,
  visit,
  WAIT_MS,
} from './rig/page-rig.js';

const PICTURES = join(import.meta.dirname, '../../demo/pictures');
const picture = (name: string) => join(PICTURES, name);
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;

let browser: Browser;
let serve: DemoServe;
let here: Visit;
let folder: string;

/** The names of what waits to be sent, in its order. */
const attached = (page: Page) =>
  page.$$eval('[aria-label="Pictures and clips to send"] > li', (items) =>
    items.map((item) => item.getAttribute('aria-label')),
  );
const holds = (page: Page, ...names: string[]) =>
  expect.poll(() => attached(page), { timeout: WAIT_MS }).toEqual(names);

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llava-onevision-browser-'));
    [browser, serve] = await Promise.all([startBrowser(), demoServe()]);
  });
  afterAll(async () => {
    await browser?.close();
    await serve?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach((context) => leave(here, context));

  const arrive = async () => {
    here = await visit(browser, serve.url);
    return here.page;
  };

  it('takes pictures by drop, paste, picker and camera; moves and removes them', async () => {
    const page = await arrive();
    await drop(picture('shape-2.png'));
    await holds(page, 'shape-2.png');
    await attach(page, picture('corner-1.png'), picture('count-2.jpg'));
    await holds(page, 'shape-2.png', 'corner-1.png', 'count-2.jpg');
    await paste(page, picture('number-1.png'));
    await expect.poll(async () => (await attached(page)).length, { timeout: WAIT_MS }).toBe(4);
    await press(page, 'Take a picture');
    await page.waitForFunction(() => document.querySelector('dialog video')?.videoWidth > 0);
    await press(page, 'Take the picture');
    await expect.poll(async () => (await attached(page)).length, { timeout: WAIT_MS }).toBe(5);
    const [, , , pasted, shot] = await attached(page);
    await press(page, `Remove ${shot}`);
    await press(page, `Remove ${pasted}`);
    await page.focus('li[aria-label="count-2.jpg"]');
    await page.keyboard.down('Alt');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.up('Alt');
    await holds(page, 'shape-2.png', 'count-2.jpg', 'corner-1.png');
    await page.focus('li[aria-label="shape-2.png"]');
    await page.keyboard.press('Delete');
    await holds(page, 'count-2.jpg', 'corner-1.png');
    await ask(page, 'What is in the second image?');
    await answered(page);
    const urls = here.chats[0].messages[0].content.flatMap(
      (part: { image_url?: { url: string } }) => part.image_url?.url ?? [],
    );
    expect(urls.map((url: string) => Buffer.from(url.split(',')[1]!, 'base64'))).toEqual(
      ['count-2.jpg', 'corner-1.png'].map((name) => readFileSync(picture(name))),
    );
    await holds(page);
  });

  const drop = async (file: string) => {
    const data = { items: [], files: [file], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await here.cdp.send('Input.dispatchDragEvent', { type, x: 600, y: 300, data });
  };

  const paste = async (page: Page, file: string) => {
    const bytes = readFileSync(file).toString('base64');
    await page.evaluate(async (data) => {
      const blob = new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], {
        type: 'image/png',
      });
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    }, bytes);
    await page.focus('#message');
    await page.keyboard.down('Control');
    await page.keyboard.press('v');
    await page.keyboard.up('Control');
  };

  it('shows what the model saw of a picture', async () => {
    const page = await arrive();
    const wide = join(folder, 'wide.png');
    await sharp(picture('shape-2.png')).resize(300, 140, { fit: 'fill' }).toFile(wide);
    await attach(page, wide);
    await ask(page, 'Describe the image.');
    await answered(page);
    expect(await newest(page)).toMatch(/^demo\s+A .+\./);
    const { messages } = here.chats[0];
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ messages, llava_onevision: { geometry: true } });
    const reply = await fetch(new URL('/tokenize', serve.url), { method: 'POST', headers, body });
    // biome-ignore lint/suspicious/noExplicitAny: an answer's JSON
    const counted = (await reply.json()) as any;
    const [media] = counted.media;
    await page.locator('::-p-text(What the model saw)').click();
    const { grid, geometry, rows } = media;
    await page.waitForSelector(
      named(`wide.png with the ${grid.cols} by ${grid.rows} tiles that the model looked at`),
    );
    const said = await newest(page);
    const { width, height } = geometry.image;
    expect(said).toContain(`${width} × ${height} pixels`);
    expect(said).toContain(`${grid.cols} × ${grid.rows} tiles of ${geometry.tile} pixels`);
    expect(said).toContain(`${rows} rows`);
    expect(said).toContain('Overview');
    expect(said).toMatch(new RegExp(`Prompt\\s+${counted.count}\\s`));
    expect(said).toMatch(/Looking[\s\d.]+m?s/);
    const tiles = await page.$$eval('article svg text', (texts) =>
      texts.map((text) => text.textContent),
    );
    expect(tiles).toEqual(Array.from({ length: grid.cols * grid.rows }, (_, i) => `${i + 1}`));
  });

  it(
    'shows the frames of a clip on its time line',
    skipUnless(hasFfmpeg, 'needs ffmpeg'),
    async () => {
      const clip = join(folder, 'moving.webm');
      const made = spawnSync('ffmpeg', [
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        'testsrc=size=96x72:rate=10:duration=2',
        '-c:v',
        'libvpx',
        clip,
      ]);
      expect(String(made.stderr)).toBe('');
      const page = await arrive();
      await press(page, 'Show settings');
      await fill(page, 'Frames looked at', '4', 'spinbutton');
      await attach(page, clip);
      await holds(page, 'moving.webm');
      await ask(page, 'Describe the video.');
      await answered(page);
      await page.locator('::-p-text(What the model saw)').click();
      await sees(page, 'Frame 1 of 4, at 0:00');
      await page.focus('[aria-label="Chosen frames"]');
      await page.keyboard.press('End');
      await sees(page, 'Frame 4 of 4, at 0:01');
    },
  );

  it('stays readable while the server is away, and finds it again', async () => {
    const page = await arrive();
    await ask(page, 'Describe the image.');
    await answered(page);
    const said = await newest(page);
    await serve.stop();
    await ask(page, 'Are you there?');
    await sees(page, 'No answer: The server did not answer.');
    await sees(page, 'The server does not answer.');
    await fill(page, 'Message', 'Again?');
    expect(await page.$eval('[aria-label="Send"]', (send) => send.hasAttribute('disabled'))).toBe(
      true,
    );
    expect(await page.$eval('main', (main) => main.innerText)).toContain(said);
    await serve.start();
    await seesNot(page, 'The server does not answer.');
    await press(page, 'Try again');
    await answered(page, 2);
    // What the browser itself says of it.
    const refused = here.problems.splice(0);
    expect(new Set(refused)).toEqual(
      new Set(['Failed to load resource: net::ERR_CONNECTION_REFUSED']),
    );
  });
});
