// What a model says, and what a file of conversations has, is a stranger's: it may not run, load, ask for a password or lead astray.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Browser, ElementHandle, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ATTEMPTS, guard } from './rig/attempts.js';
import { answered, ask, attach, holds, sees } from './rig/page-acts.js';
import {
  browserTests,
  leave,
  startBrowser,
  type Toy,
  toyServer,
  type Visit,
  visit,
} from './rig/page-rig.js';

let browser: Browser;
let toy: Toy;
let here: Visit;
let folder: string;

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llava-onevision-browser-'));
    [browser, toy] = await Promise.all([startBrowser(), toyServer()]);
  });
  afterAll(async () => {
    await browser?.close();
    await toy?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach((context) => leave(here, context));

  const arrive = async () => {
    here = await visit(browser, toy.url);
    await here.page.waitForSelector('main');
    await here.page.evaluate(guard);
    return here.page;
  };

  /** Nothing was run or shown that may not be; requests and refusals of the policy are the rig's to see. */
  const isSafe = async (page: Page) => {
    expect(await page.evaluate(() => window.found)).toEqual([]);
    expect(await page.evaluate(() => window.hit ?? 'no')).toBe('no');
  };

  it('shows the markup of an answer, a question and a file’s name as text, while it is written too', async () => {
    // As much as an answer may have, a byte at a time.
    const written = ATTEMPTS.filter((_, i) => [0, 1, 2, 10, 11, 15, 16, 20, 30].includes(i));
    toy.reply = () => written.join('\n\n').slice(0, 900);
    const page = await arrive();
    const named = join(folder, '"><img src=x onerror=window.hit=1>.png');
    copyFileSync(join(import.meta.dirname, '../../demo/pictures/shape-2.png'), named);
    await attach(page, named);
    await holds(page, basename(named));
    await ask(page, '<img src=x onerror=window.hit=1>');
    await answered(page);
    expect(await page.$eval('article img', (image) => image.alt)).toBe(basename(named));
    expect(await page.$eval('article .markdown', (node) => node.innerText)).toContain(
      '<script>window.hit=1</script>',
    );
    await isSafe(page);
  });

  it('shows where links lead, and makes links of pictures', async () => {
    toy.reply = () => '[bank](https://bank.example@evil.example/) ![plan](https://evil.example/p)';
    const page = await arrive();
    await ask(page, 'Where?');
    await answered(page);
    const links = await page.$$eval('article .markdown a', (all) =>
      all.map((link) => [link.innerText, link.target, link.rel]),
    );
    const rel = 'noopener noreferrer nofollow';
    expect(links).toEqual([
      ['bank (evil.example)', '_blank', rel],
      ['plan (evil.example)', '_blank', rel],
    ]);
    await isSafe(page);
  });

  it('takes all of an imported conversation for text', async () => {
    const page = await arrive();
    const file = join(folder, 'conversations.json');
    writeFileSync(file, JSON.stringify(conversation()));
    const field = (await page.$('input[type="file"][accept*="json"]')) as ElementHandle<never>;
    await field.uploadFile(file);
    await sees(page, '1 conversation imported');
    await page.waitForFunction(
      (n) => document.querySelectorAll('article').length >= n,
      {},
      ATTEMPTS.length,
    );
    // Answers are drawn as they come near.
    await page.evaluate(async () => {
      for (const article of [...document.querySelectorAll('article')].reverse()) {
        article.scrollIntoView();
        await new Promise((resolve) => window.requestAnimationFrame(resolve));
        for (const closed of article.querySelectorAll('[aria-expanded="false"]')) closed.click();
      }
    });
    await page.waitForFunction(() => !document.querySelector('article .source'));
    await page.waitForSelector('article table th');
    await isSafe(page);
    await page.reload();
    await page.evaluate(guard);
    await sees(page, 'onerror');
    await isSafe(page);
  });
});

/** With an attempt in every place that has a text. */
function conversation(): object {
  const evil = ATTEMPTS[1]!;
  const settings = {
    ...{ model: evil, system: evil, temperature: 0, topP: 1, topK: 0, repetitionPenalty: 1 },
    ...{ maxTokens: 100, seed: null, stop: [evil], schema: evil, frames: 8 },
  };
  const turn = (i: number, more: object) => ({
    ...{ id: `t${i}`, parent: i === 0 ? null : `t${i - 1}`, created: i, text: evil, media: [] },
    ...more,
  });
  const answer = { role: 'assistant', model: evil };
  const usage = { promptTokens: 1, imageTokens: 1, cachedTokens: 0, completionTokens: 1 };
  const turns = [
    turn(0, {
      role: 'user',
      media: [{ id: 'm"><img>', kind: 'image', name: evil, type: 'image/png', bytes: 1 }],
    }),
    ...ATTEMPTS.map((text, i) => turn(i + 1, { ...answer, text, state: 'done' })),
    turn(ATTEMPTS.length + 1, {
      ...{ ...answer, state: 'failed', error: evil },
      seen: { media: [], usage, timings: { encode_ms: 1 } },
    }),
    turn(ATTEMPTS.length + 2, {
      ...{ ...answer, isJson: true, state: 'done' },
      text: JSON.stringify([{ [evil]: evil, __proto__: evil }, { [evil]: [evil, { a: evil }] }]),
    }),
  ];
  const leaf = turns.at(-1)!.id;
  const whole = { id: 'c', title: evil, created: 1, changed: 1, leaf, settings, turns };
  // A document as a picture.
  const media = { 'm"><img>': Buffer.from('<svg onload="window.hit=1">').toString('base64') };
  return { format: 'llava-onevision-conversations', version: 1, conversations: [whole], media };
}
