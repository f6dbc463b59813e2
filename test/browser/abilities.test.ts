// Formulas, pictures moved by the mouse, everything to one file, several models: on the chat page, with a model that says what the
// test wants.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answered, ask, attach, newest, pick, press, saveTo } from './rig/page-acts.js';
import {
  browserTests,
  leave,
  named,
  startBrowser,
  type Toy,
  toyServer,
  type Visit,
  visit,
  WAIT_MS,
} from './rig/page-rig.js';

const PICTURES = ['shape-2.png', 'corner-1.png', 'number-1.png'];

let browser: Browser;
let toy: Toy;
let here: Visit;
let folder: string;

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llava-onevision-browser-'));
    [browser, toy] = await Promise.all([startBrowser(), toyServer({}, ['first', 'second'])]);
  });
  afterAll(async () => {
    await browser?.close();
    await toy?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach((context) => leave(here, context));

  const arrive = async () => {
    here = await visit(browser, toy.url);
    return here.page;
  };

  it('draws formulas, in a line and by themselves', async () => {
    toy.reply = () => 'So $x^2$ costs $5:\n\n$$\\frac{a}{b}$$\n';
    const page = await arrive();
    await ask(page, 'How much?');
    await answered(page);
    await page.waitForSelector('article math[display=block] mfrac');
    await page.waitForSelector('article math msup');
    expect(await page.$$eval('article math', (all) => all.length)).toBe(2);
    expect(await newest(page)).toContain('costs $5');
  });

  it('moves pictures by dragging', async () => {
    const page = await arrive();
    const files = PICTURES.map((name) => join(import.meta.dirname, '../../demo/pictures', name));
    await attach(page, ...files);
    const place = async (name: string) =>
      (await (await page.waitForSelector(`li[aria-label="${name}"]`))!.clickablePoint())!;
    const last = await place('number-1.png');
    const first = await place('shape-2.png');
    await page.mouse.move(last.x, last.y);
    await page.mouse.down();
    await page.mouse.move(first.x, first.y, { steps: 8 });
    await page.mouse.up();
    const order = () =>
      page.$$eval('.attachment', (items) => items.map((item) => item.getAttribute('aria-label')));
    await expect
      .poll(order, { timeout: WAIT_MS })
      .toEqual(['number-1.png', 'shape-2.png', 'corner-1.png']);
  });

  it('asks the first of several models, or the one that is chosen', async () => {
    toy.reply = () => 'yes';
    const page = await arrive();
    await ask(page, 'one?');
    await answered(page);
    await page.select('select[aria-label="Model"]', 'second');
    await ask(page, 'two?');
    await answered(page, 2);
    expect(here.chats.map(({ model }) => model)).toEqual(['first', 'second']);
    await page.waitForSelector(named('second', 'article'));
  });

  it('writes all conversations to one file', async () => {
    toy.reply = () => 'yes';
    const page = await arrive();
    for (const text of ['apples', 'pears']) {
      await ask(page, text);
      await answered(page);
      await press(page, 'New conversation');
    }
    await saveTo(folder, page);
    await pick(page, 'Options', 'Export all conversations');
    const whole = () => readdirSync(folder).filter((name) => name.endsWith('.json'));
    await expect.poll(() => whole().length, { timeout: WAIT_MS }).toBe(1);
    const { conversations } = JSON.parse(readFileSync(join(folder, whole()[0]!), 'utf8'));
    const titles = conversations.map(({ title }: { title: string }) => title);
    expect(titles.sort()).toEqual(['apples', 'pears']);
  });
});
