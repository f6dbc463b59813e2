/** What people do on the chat page, by the names that screen readers say; English. */
import type { ElementHandle, Page } from 'puppeteer-core';
import { named } from './page-rig.js';

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
