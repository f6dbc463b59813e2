/** What people do on the chat page, by the names that screen readers say; English. */
import { readFileSync } from 'node:fs';
import type { ElementHandle, KeyInput, Page } from 'puppeteer-core';
import { expect } from 'vitest';
import { named, type Visit, WAIT_MS } from './page-rig.js';

/** Presses what is called so; in `within`, the first of its kind that it holds. */
export async function press(page: Page, name: string, role = 'button'): Promise<void> {
  await page.locator(named(name, role)).click();
}

/** Puts `text` in place of what a field has. */
export async function fill(page: Page, name: string, text: string, role = 'textbox') {
  const locator = page.locator(named(name, role));
  if (role === 'slider') return locator.fill(text);
  const field = (await locator.waitHandle()) as ElementHandle<HTMLInputElement>;
  await field.evaluate((element) => {
    element.focus();
    element.select();
  });
  await page.keyboard.sendCharacter(text);
}

export async function ask(page: Page, text: string): Promise<void> {
  await fill(page, 'Message', text);
  await press(page, 'Send');
}

/** Gives files to what `opener` opens. */
export async function choose(page: Page, opener: () => Promise<void>, ...files: string[]) {
  const [chooser] = await Promise.all([page.waitForFileChooser(), opener()]);
  await chooser.accept(files);
}

/** Puts files beside the question that is being written. */
export function attach(page: Page, ...files: string[]): Promise<void> {
  return choose(page, () => press(page, 'Add pictures or clips'), ...files);
}

/** Drops a file on the middle of the thread. */
export async function drop({ page, cdp }: Visit, file: string): Promise<void> {
  const { width, height } = page.viewport()!;
  const place = { x: width / 2, y: height / 2 };
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await cdp.send('Input.dispatchDragEvent', { type, ...place, data });
}

/** Puts a PNG on the clipboard, and from there beside the question. */
export async function paste({ page }: Visit, file: string): Promise<void> {
  await page.evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const blob = new Blob([bytes], { type: 'image/png' });
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
  }, readFileSync(file).toString('base64'));
  await page.focus('#message');
  await chord(page, 'Control', 'v');
}

/** The names of what waits to be sent, in its order. */
export const attached = (page: Page) =>
  page.$$eval('[aria-label="Pictures and clips to send"] > li', (items) =>
    items.map((item) => item.getAttribute('aria-label')),
  );

/** Waits until this and nothing else waits to be sent. */
export const holds = (page: Page, ...names: string[]) =>
  expect.poll(() => attached(page), { timeout: WAIT_MS }).toEqual(names);

/** Waits until the page could be opened without its server. */
export const keptForAway = (page: Page) =>
  page.evaluate(() => navigator.serviceWorker.ready.then(() => true));

/** Keys pressed together. */
export async function chord(page: Page, ...keys: string[]): Promise<void> {
  const names = keys as KeyInput[];
  for (const key of names) await page.keyboard.down(key);
  for (const key of names.toReversed()) await page.keyboard.up(key);
}

/** What the page saves goes to `folder` from now on. */
export async function saveTo(folder: string, page: Page): Promise<void> {
  const session = await page.browser().target().createCDPSession();
  const { id: browserContextId } = page.browserContext();
  await session.send('Browser.setDownloadBehavior', {
    ...{ behavior: 'allow', downloadPath: folder },
    ...(browserContextId && { browserContextId }),
  });
}

/** @param opener of the menu */
export async function pick(page: Page, opener: string, item: string): Promise<void> {
  await press(page, opener);
  await press(page, item, 'menuitem');
}

/** Waits for a text anywhere on the page; of what is read aloud, too. */
export async function sees(page: Page, text: string): Promise<void> {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), {}, text);
}

export async function seesNot(page: Page, text: string): Promise<void> {
  await page.waitForFunction((wanted) => !document.body.innerText.includes(wanted), {}, text);
}

/** Waits until the branch that is shown has so many answers, none of them being written. */
export async function answered(page: Page, n = 1): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      document.querySelectorAll('[aria-label="Answer again"]').length === wanted &&
      !document.querySelector('[aria-label="Stop"]'),
    {},
    n,
  );
}

/** What the newest answer says. */
export function newest(page: Page): Promise<string> {
  return page.$$eval('main article', (turns) => turns.at(-1)?.innerText ?? '');
}

/** Of those with this name the last. */
export async function lastOf(page: Page, name: string, role = 'button'): Promise<ElementHandle> {
  await page.waitForSelector(named(name, role));
  return (await page.$$(named(name, role))).at(-1)!;
}

/** What screen readers were told last. */
export const said = async (page: Page): Promise<string> =>
  (
    await page.$$eval('[aria-live=polite]', (places) => places.map((one) => one.textContent))
  ).join();
