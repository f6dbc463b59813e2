// The chat page with `serve` as its users start it, and the demonstration's model: what the model saw is what the server says; a server
// that is killed and comes back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DemoServe, demoServe } from './rig/demo-serve.js';
import {
  answered,
  ask,
  attach,
  fill,
  keptForAway,
  newest,
  press,
  sees,
  seesNot,
} from './rig/page-acts.js';
import { browserTests, leave, named, startBrowser, type Visit, visit } from './rig/page-rig.js';

const PICTURES = join(import.meta.dirname, '../../demo/pictures');
const picture = (name: string) => join(PICTURES, name);

let browser: Browser;
let serve: DemoServe;
let here: Visit;
let folder: string;

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

  it('stays readable while the server is away, and finds it again', async () => {
    const page = await arrive();
    await ask(page, 'Describe the image.');
    await answered(page);
    const said = await newest(page);
    await keptForAway(page);
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
