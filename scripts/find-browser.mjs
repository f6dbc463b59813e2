/** Where chromium is: CHROME_PATH, or a known name on the PATH. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'google-chrome', 'chromium-browser', 'chrome'];

/** Undefined where there is none. */
export function lookForBrowser({ CHROME_PATH, PATH = '' } = process.env) {
  if (CHROME_PATH) return CHROME_PATH;
  const folders = PATH.split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

export function findBrowser() {
  const found = lookForBrowser();
  if (found) return found;
  throw new Error('There is no chromium: install it, or set CHROME_PATH.');
}
