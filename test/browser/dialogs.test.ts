// What opens above the chat page or takes the place of a part of it, in every look: axe finds nothing, nothing is cut off.
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isFine, LOOKS } from './rig/for-everybody.js';
import { answered, ask, attach, fill, press, sees, seesNot } from './rig/page-acts.js';
import {
  browserTests,
  leave,
  named,
  startBrowser,
  type Toy,
  toyServer,
  type Visit,
  visit,
} from './rig/page-rig.js';

const PICTURES = ['shape-2.png', 'corner-1.png'].map((name) =>
  join(import.meta.dirname, '../../demo/pictures', name),
);

let browser: Browser;
let toy: Toy;
let here: Visit;

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    [browser, toy] = await Promise.all([
      startBrowser(),
      toyServer({ apiKeys: ['the-key'] }, ['toy', 'second']),
    ]);
    toy.reply = () => '{"shape":"star","parts":[{"n":2,"isRound":false},{"n":1,"isRound":null}]}';
  });
  afterAll(async () => {
    await browser?.close();
    await toy?.close();
  });
  afterEach((context) => leave(here, context));

  it.each(LOOKS)('is for everybody whatever is open: %s', async (_, looks) => {
    here = await visit(browser, toy.url, looks);
    const { page, cdp, problems } = here;
    const isPhone = looks.width < 600;
    await sees(page, 'This server wants a key');
    await fill(page, 'Key', 'wrong');
    await press(page, 'Use key');
    await sees(page, 'The server does not know this key.');
    await isFine(page, 'key');
    await fill(page, 'Key', 'the-key');
    await press(page, 'Use key');
    await seesNot(page, 'This server wants a key');
    expect(new Set(problems.splice(0))).toEqual(
      new Set([
        'Failed to load resource: the server responded with a status of 401 (Unauthorized)',
      ]),
    );

    // A narrow window and a mouse have it too.
    await cdp.send('Emulation.setTouchEmulationEnabled', { enabled: false });
    await press(page, 'Take a picture');
    await page.waitForFunction(() => document.querySelector('dialog video')?.videoWidth > 0);
    await isFine(page, 'camera');
    await press(page, 'Close');
    await page.waitForSelector('dialog', { hidden: true });
    await cdp.send('Emulation.setTouchEmulationEnabled', { enabled: isPhone });

    await press(page, 'Show settings');
    await press(page, 'Insert an example');
    await sees(page, 'The next answer will keep to it.');
    await isFine(page, 'settings');
    await press(page, 'Hide settings');
    await attach(page, ...PICTURES);
    await page.waitForSelector('li[aria-label="corner-1.png"]');
    await isFine(page, 'attachments');
    await ask(page, 'What is in them?');
    await answered(page);
    await page.waitForSelector('article table table');
    await isFine(page, 'table');
    await press(page, 'Tree');
    await page.waitForSelector('article details details[open]');
    await isFine(page, 'tree');

    await press(page, 'Enlarge shape-2.png');
    await page.waitForSelector('dialog img[alt="shape-2.png"]');
    await press(page, 'Next');
    await page.waitForSelector('dialog img[alt="corner-1.png"]');
    await isFine(page, 'lightbox');
    await press(page, 'Close');
    await press(page, 'Edit');
    await page.waitForSelector(named('Ask this instead'));
    await isFine(page, 'editing');
    await press(page, 'Cancel');

    if (isPhone) await press(page, 'Show conversations');
    await press(page, 'More for “What is in them?”');
    await page.waitForSelector(named('Delete', 'menuitem'));
    await isFine(page, 'menu of a conversation');
    await press(page, 'Rename', 'menuitem');
    await page.waitForSelector(named('Title of the conversation', 'textbox'));
    await isFine(page, 'renaming');
    await page.keyboard.press('Escape');
    await press(page, 'Options');
    await page.waitForSelector(named('Keyboard', 'menuitem'));
    await isFine(page, 'options');
  });
});
