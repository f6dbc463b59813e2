/**
 * A visit in every look to the real server with the demonstration's model: light and dark, wide and on a phone. Its tests follow one
 * another on the same page.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { LOOKS } from './for-everybody.js';
import { type HeldDemo, heldDemo } from './held-demo.js';
import { fill, press, seesNot } from './page-acts.js';
import { browserTests, leave, showFailure, startBrowser, type Visit, visit } from './page-rig.js';

/** Bytes that the browser keeps. */
export const QUOTA = 4 * 2 ** 20;

export const picture = (name: string) => join(import.meta.dirname, '../../../demo/pictures', name);

/** Filled once the tests run. */
export interface Walk {
  demo: HeldDemo;
  here: Visit;
  page: Page;
  isPhone: boolean;
  /** Of this look alone: what others asked is not in its cache. */
  key: string;
  /** Empty at the beginning of each. */
  folder: string;
  giveKey(key: string): Promise<void>;
  /** A conversation. */
  begin(): Promise<void>;
}

const keyOf = ([name]: (typeof LOOKS)[number]) => name.replaceAll(' ', '-');

export function walks(tests: (walk: Walk) => void): void {
  const walk = {
    async giveKey(key) {
      await fill(walk.page, 'Key', key);
      await press(walk.page, 'Use key');
    },
    async begin() {
      if (walk.isPhone) await press(walk.page, 'Show conversations');
      await press(walk.page, 'New conversation');
      await walk.page.waitForSelector('.examples');
    },
  } as Walk;
  let browser: Browser;
  describe('the chat page', browserTests, () => {
    beforeAll(async () => {
      [browser, walk.demo] = await Promise.all([
        startBrowser(),
        heldDemo({ apiKeys: LOOKS.map(keyOf), slots: 1 }),
      ]);
    });
    afterAll(async () => {
      await browser?.close();
      await walk.demo?.close();
    });
    describe.each(LOOKS)('%s', (...look) => {
      const [, looks] = look;
      beforeAll(async () => {
        walk.folder = mkdtempSync(join(tmpdir(), 'llava-onevision-browser-'));
        walk.key = keyOf(look);
        walk.isPhone = looks.width < 600;
        walk.here = await visit(browser, walk.demo.url, { ...looks, quota: QUOTA });
        walk.page = walk.here.page;
      });
      afterEach(async (context) => {
        walk.demo.gate.release();
        walk.demo.grammar = undefined;
        await showFailure(walk.here, context);
      });
      afterAll(async () => {
        rmSync(walk.folder, { recursive: true, force: true });
        await leave(walk.here);
      });
      tests(walk);
    });
  });
}

/** Past the key, whose name no request shows. */
export async function unlock(walk: Walk): Promise<void> {
  await walk.giveKey(walk.key);
  await seesNot(walk.page, 'This server wants a key');
  // What the browser itself says of the first request, which had none.
  walk.here.problems.splice(0);
}
