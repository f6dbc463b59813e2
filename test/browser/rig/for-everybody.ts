/** Whether those who hear the page, or see it badly, or on a small screen, have all of it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'puppeteer-core';
import { expect } from 'vitest';
import type { Looks } from './page-rig.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** For `it.each`. */
export const LOOKS: [string, Required<Pick<Looks, 'width' | 'scheme'>>][] = [
  ['light', { width: 1280, scheme: 'light' }],
  ['dark', { width: 1280, scheme: 'dark' }],
  ['light on a phone', { width: 390, scheme: 'light' }],
  ['dark on a phone', { width: 390, scheme: 'dark' }],
];

async function complaints(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  return page.evaluate(async () => {
    const rules = { 'target-size': { enabled: true } };
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], rules });
    return violations.flatMap(
      ({ id, nodes }: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    );
  });
}

/** How far the page is wider than its window. */
const overhang = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

/** @param where named if it is not */
export async function isFine(page: Page, where = ''): Promise<void> {
  expect(await complaints(page), where).toEqual([]);
  expect(await overhang(page), where).toBeLessThanOrEqual(0);
}
