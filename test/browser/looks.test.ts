// The chat page by keys alone, by ear, and in Chinese, with a model that says what the test wants.
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isFine } from './rig/for-everybody.js';
import { answered, ask, chord, sees, seesNot } from './rig/page-acts.js';
import {
  browserTests,
  type Looks,
  leave,
  named,
  startBrowser,
  type Toy,
  toyServer,
  type Visit,
  visit,
} from './rig/page-rig.js';

let browser: Browser;
let toy: Toy;
let here: Visit;

const focused = (page: Page) =>
  page.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id,
  );

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    [browser, toy] = await Promise.all([startBrowser(), toyServer()]);
  });
  afterAll(async () => {
    await browser?.close();
    await toy?.close();
  });
  afterEach((context) => leave(here, context));

  const arrive = async (looks: Looks = {}) => {
    here = await visit(browser, toy.url, looks);
    return here.page;
  };

  it('is used by keys alone', async () => {
    toy.reply = () => 'yes';
    const page = await arrive();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement !== document.body)).toBe(true);
    await chord(page, 'Shift', 'Escape');
    await expect.poll(() => focused(page)).toBe('Message');
    await page.keyboard.type('one');
    await chord(page, 'Shift', 'Enter');
    await page.keyboard.type('two?');
    await page.keyboard.press('Enter');
    await answered(page);
    expect(here.chats[0].messages[0].content).toBe('one\ntwo?');
    await chord(page, 'Alt', 'ArrowUp');
    await expect.poll(() => focused(page)).toBe('toy');
    await chord(page, 'Alt', 'ArrowUp');
    await expect.poll(() => focused(page)).toBe('You');
    await page.keyboard.type('?');
    await sees(page, 'Stop the answer');
    await page.keyboard.press('Escape');
    await seesNot(page, 'Stop the answer');
    await chord(page, 'Control', 'k');
    await expect.poll(() => focused(page)).toBe('Search conversations');
    await chord(page, 'Control', 'b');
    await page.waitForSelector('nav', { hidden: true });
    await chord(page, 'Control', '.');
    await page.waitForSelector('aside');
    await chord(page, 'Control', 'Shift', 'O');
    await seesNot(page, 'two?');
    await expect.poll(() => focused(page)).toBe('Message');
  });

  it('stops an answer by Escape, and says aloud what happens', async () => {
    toy.reply = () => 'One sentence. And more';
    const page = await arrive();
    const said = async () =>
      (
        await page.$$eval('[aria-live=polite]', (places) => places.map((one) => one.textContent))
      ).join();
    toy.hold(18);
    await ask(page, 'Speak');
    await expect.poll(said).toContain('One sentence.');
    await page.keyboard.press('Escape');
    await sees(page, 'Stopped.');
    await expect.poll(said).toContain('And Stopped.');
  });

  it('speaks the language of the browser, or the one that is chosen', async () => {
    const page = await arrive({ language: 'zh-CN,zh' });
    await page.waitForSelector(named('发送', 'button'));
    expect(await page.evaluate(() => document.documentElement.lang)).toMatch(/^zh/);
    await isFine(page);
    await page.select('select[aria-label="语言"]', 'en');
    await page.waitForSelector(named('Send', 'button'));
    await page.reload();
    await page.waitForSelector(named('Send', 'button'));
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
  });
});
