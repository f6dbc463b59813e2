// What the chat page keeps: conversations over a reload and in another tab, found, renamed, taken away, out and in as files; a full
// disk; a key.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  answered,
  ask,
  attach,
  choose,
  fill,
  newest,
  pick,
  press,
  saveTo,
  sees,
  seesNot,
} from './rig/page-acts.js';
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
  WAIT_MS,
} from './rig/page-rig.js';

const PICTURE = join(import.meta.dirname, '../../demo/pictures/shape-2.png');

let browser: Browser;
let toy: Toy;
let locked: Toy;
let here: Visit;
let folder: string;

/** Of the conversations in the list, in its order. */
const titles = (page: Page) =>
  page.$$eval('nav[aria-label="Conversations"] li', (items) =>
    items.map((one) => one.innerText.trim()),
  );
const lists = (page: Page, ...wanted: string[]) =>
  expect.poll(() => titles(page), { timeout: WAIT_MS }).toEqual(wanted);

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llava-onevision-browser-'));
    [browser, toy, locked] = await Promise.all([
      startBrowser(),
      toyServer(),
      toyServer({ apiKeys: ['the-key'] }),
    ]);
    toy.reply = (prompt) => `echo ${/.*user\n(.*?)<\|im_end\|>/s.exec(prompt)?.[1]}`;
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([toy?.close(), locked?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach((context) => leave(here, context));

  const arrive = async (url = toy.url, looks: Looks = {}) => {
    here = await visit(browser, url, looks);
    return here.page;
  };

  it('keeps conversations with their pictures over a reload, and shows them in another tab', async () => {
    const page = await arrive();
    await attach(page, PICTURE);
    await ask(page, 'first');
    await answered(page);
    await press(page, 'New conversation');
    await ask(page, 'second');
    await answered(page);
    await lists(page, 'second', 'first');
    await page.reload();
    await lists(page, 'second', 'first');
    await sees(page, 'echo second');
    await press(page, 'first');
    await sees(page, 'echo');
    await page.waitForSelector('article img[alt="shape-2.png"]');
    expect(await newest(page)).toContain('first');
    const other = await page.browserContext().newPage();
    await other.setViewport({ width: 1280, height: 800 });
    await other.goto(toy.url);
    await lists(other, 'second', 'first');
    await ask(other, 'third');
    await answered(other);
    await page.bringToFront();
    await lists(page, 'third', 'second', 'first');
  });

  it('finds, renames and deletes, with a way back', async () => {
    const page = await arrive();
    for (const word of ['apple', 'melon']) {
      await ask(page, word);
      await answered(page);
      await press(page, 'New conversation');
    }
    await fill(page, 'Search conversations', 'echo app', 'searchbox');
    await lists(page, 'apple');
    await fill(page, 'Search conversations', 'no such word', 'searchbox');
    await sees(page, 'Nothing found');
    await page.keyboard.press('Backspace');
    await page.$eval('input[type=search]', (field) => field.select());
    await page.keyboard.press('Backspace');
    await lists(page, 'melon', 'apple');
    await pick(page, 'More for “apple”', 'Rename');
    await fill(page, 'Title of the conversation', 'fruit');
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => (await titles(page)).sort(), { timeout: WAIT_MS })
      .toEqual(['fruit', 'melon']);
    await pick(page, 'More for “melon”', 'Delete');
    await lists(page, 'fruit');
    await press(page, 'Undo');
    await expect.poll(async () => (await titles(page)).length, { timeout: WAIT_MS }).toBe(2);
    await pick(page, 'More for “melon”', 'Delete');
    await lists(page, 'fruit');
    await page.reload();
    await lists(page, 'fruit');
  });

  it('writes conversations to files, and reads them where nothing is', async () => {
    const page = await arrive();
    await attach(page, PICTURE);
    await ask(page, 'look here');
    await answered(page);
    await press(page, 'Answer again');
    await page.waitForSelector(named('Version 2 of 2'));
    await answered(page);
    await saveTo(folder, page);
    await pick(page, 'More for “look here”', 'Export as Markdown');
    await pick(page, 'More for “look here”', 'Export as JSON');
    const whole = () =>
      readdirSync(folder)
        .filter((name) => !name.endsWith('.crdownload'))
        .sort();
    await expect.poll(whole, { timeout: WAIT_MS }).toEqual(['look-here.json', 'look-here.md']);
    const markdown = readFileSync(join(folder, 'look-here.md'), 'utf8');
    expect(markdown).toContain('look here');
    expect(markdown).toContain('echo');
    await here.close();
    const other = await arrive();
    await choose(
      other,
      () => pick(other, 'Options', 'Import conversations…'),
      join(folder, 'look-here.json'),
    );
    await sees(other, '1 conversation imported');
    await lists(other, 'look here');
    await other.waitForSelector(named('Version 2 of 2'));
    await other.waitForSelector('article img[alt="shape-2.png"]');
    await ask(other, 'and now?');
    await answered(other, 2);
    // The picture itself came along.
    const [question] = here.chats[0].messages;
    const { url } = question.content.find(
      ({ type }: { type: string }) => type === 'image_url',
    ).image_url;
    expect(Buffer.from(url.split(',')[1], 'base64')).toEqual(readFileSync(PICTURE));
    writeFileSync(join(folder, 'broken.json'), '{"conversations": 3}');
    await choose(
      other,
      () => pick(other, 'Options', 'Import conversations…'),
      join(folder, 'broken.json'),
    );
    await sees(other, 'Nothing was imported');
  });

  it('says so where the storage is full, and goes on', async () => {
    const page = await arrive(toy.url, { quota: 1 });
    await attach(page, PICTURE);
    await ask(page, 'does not fit');
    await answered(page);
    expect(await newest(page)).toContain('echo');
    await sees(page, 'storage is full');
    here.problems.splice(0);
  });

  it('asks for a key once, and keeps it out of the address', async () => {
    const page = await arrive(locked.url);
    await sees(page, 'This server wants a key');
    await fill(page, 'Key', 'wrong');
    await press(page, 'Use key');
    await sees(page, 'The server does not know this key.');
    await fill(page, 'Key', 'the-key');
    await press(page, 'Use key');
    await seesNot(page, 'This server wants a key');
    await ask(page, 'in?');
    await answered(page);
    await page.reload();
    await answered(page);
    await ask(page, 'still?');
    await answered(page, 2);
    expect(page.url()).not.toContain('the-key');
    expect(await page.evaluate(() => JSON.stringify(window.localStorage))).not.toContain('the-key');
    expect(new Set(here.problems.splice(0))).toEqual(
      new Set([
        'Failed to load resource: the server responded with a status of 401 (Unauthorized)',
      ]),
    );
  });
});
