// Everything that a visitor does with the chat page, in one go and in every look, with `serve` and the demonstration's model; on a
// phone the camera is the phone's own.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DemoServe, demoServe } from './rig/demo-serve.js';
import { isFine, LOOKS } from './rig/for-everybody.js';
import {
  answered,
  ask,
  attach,
  choose,
  fill,
  lastOf,
  newest,
  pick,
  press,
  sees,
} from './rig/page-acts.js';
import {
  browserTests,
  leave,
  named,
  startBrowser,
  type Visit,
  visit,
  WAIT_MS,
} from './rig/page-rig.js';

const picture = (name: string) => join(import.meta.dirname, '../../demo/pictures', name);

let browser: Browser;
let serve: DemoServe;
let here: Visit;
let folder: string;

async function takePicture({ page }: Visit, isPhone: boolean): Promise<void> {
  const shoot = () => press(page, 'Take a picture');
  if (isPhone) {
    expect(await page.$$eval('input[capture=environment]', (all) => all.length)).toBe(1);
    await choose(page, shoot, picture('corner-1.png'));
    await page.waitForSelector('li[aria-label="corner-1.png"]');
    return;
  }
  await shoot();
  await page.waitForFunction(() => document.querySelector('dialog video')?.videoWidth > 0);
  await press(page, 'Take the picture');
  await press(page, 'Remove camera.jpg');
}

async function converse({ page, chats }: Visit, nMedia: number): Promise<void> {
  await ask(page, 'How many stars are there?');
  await answered(page);
  expect(chats[0].messages[0].content).toHaveLength(nMedia + 1);
  expect(await newest(page)).toMatch(/^demo\s/);
  await press(page, 'Answer again');
  await page.waitForSelector(named('Version 2 of 2'));
  await answered(page);
  await press(page, 'Edit');
  await fill(page, 'Message', 'Describe the image.');
  await press(page, 'Ask this instead');
  await page.waitForSelector(named('Next version'));
  await answered(page);
  expect(chats.at(-1).messages[0].content.at(-1).text).toBe('Describe the image.');
  await (await lastOf(page, 'Copy')).click();
  await sees(page, 'Copied');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).not.toBe('');
  expect(await newest(page)).toContain(copied);
}

async function shape({ page, chats }: Visit): Promise<void> {
  await press(page, 'Show settings');
  await fill(page, 'System prompt', 'Be brief.');
  await fill(page, 'Temperature', '0.5', 'slider');
  await press(page, 'Insert an example');
  await sees(page, 'The next answer will keep to it.');
  await press(page, 'Hide settings');
  await ask(page, 'Which shape?');
  await answered(page, 2);
  await page.waitForSelector('article table th');
  expect(chats.at(-1)).toMatchObject({ temperature: 0.5, messages: { 0: { role: 'system' } } });
  await (await page.waitForSelector('.answer:last-of-type .seen-toggle'))!.click();
  await sees(page, 'Reading the prompt');
  await isFine(page);
}

async function keep({ page }: Visit, isPhone: boolean): Promise<void> {
  const session = await browser.target().createCDPSession();
  await session.send('Browser.setDownloadBehavior', {
    ...{ behavior: 'allow', downloadPath: folder },
    ...(page.browserContext().id && { browserContextId: page.browserContext().id! }),
  });
  if (isPhone) await press(page, 'Show conversations');
  const nListed = () => page.$$eval('.conversation', (all) => all.length);
  const lists = (n: number) => expect.poll(nListed, { timeout: WAIT_MS }).toBe(n);
  await fill(page, 'Search conversations', 'stars', 'searchbox');
  await lists(1);
  await page.$eval('input[type=search]', (field) => field.select());
  await page.keyboard.press('Backspace');
  await pick(page, 'More for “How many stars are there?”', 'Rename');
  await fill(page, 'Title of the conversation', 'stars');
  await page.keyboard.press('Enter');
  await pick(page, 'More for “stars”', 'Export as JSON');
  const file = () => readdirSync(folder).filter((name) => name.endsWith('.json'));
  await expect.poll(file, { timeout: WAIT_MS }).toEqual(['stars.json']);
  await pick(page, 'More for “stars”', 'Delete');
  await lists(0);
  await press(page, 'Undo');
  await lists(1);
  await choose(
    page,
    () => pick(page, 'Options', 'Import conversations…'),
    join(folder, 'stars.json'),
  );
  await lists(2);
  await isFine(page);
}

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    [browser, serve] = await Promise.all([startBrowser(), demoServe()]);
  });
  afterAll(async () => {
    await browser?.close();
    await serve?.stop();
  });
  afterEach(async (context) => {
    rmSync(folder, { recursive: true, force: true });
    await leave(here, context);
  });

  it.each(LOOKS)('does everything: %s', async (_, looks) => {
    folder = mkdtempSync(join(tmpdir(), 'llava-onevision-browser-'));
    here = await visit(browser, serve.url, looks);
    const { page } = here;
    const isPhone = looks.width < 600;
    await attach(page, picture('shape-2.png'));
    await takePicture(here, isPhone);
    await converse(here, isPhone ? 2 : 1);
    await shape(here);
    await keep(here, isPhone);
  });
});
