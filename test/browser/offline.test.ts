// The page opened while its server is away, and after it: never an old page where there is a new one, and nothing left behind at an
// address that somebody else has by now.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pageRoutes } from '../../src/server/routes/page.js';
import { listening } from '../support/serving.js';
import { keptForAway, sees } from './rig/page-acts.js';
import {
  browserTests,
  showFailure,
  startBrowser,
  type Visit,
  visit,
  WAIT_MS,
} from './rig/page-rig.js';

const BUILT = join(import.meta.dirname, '../../dist/src/server/page');

let browser: Browser;
let app: FastifyInstance | undefined;
let here: Visit;
let folder: string;
let url: string;

/** The page without its API, from `folder`, always at the same address. */
async function serve(routes = (to: FastifyInstance) => pageRoutes(to, folder)): Promise<void> {
  app = fastify();
  routes(app);
  if (url === '') ({ url } = await listening(app));
  else await app.listen({ port: Number(new URL(url).port), host: '127.0.0.1' });
}

async function away(): Promise<void> {
  await app?.close();
  app = undefined;
}

/** As a newer package would have it. */
function renew(title: string): void {
  const change = (name: string, from: RegExp, to: string) => {
    const file = join(folder, name);
    const before = readFileSync(file, 'utf8');
    expect(before).toMatch(from);
    writeFileSync(file, before.replace(from, to));
  };
  change('index.html', /lang="en"/, `lang="en" data-build="${title}"`);
  change('worker.js', /"name":"\w+"/, `"name":"${title}"`);
}

const build = (page: Page) =>
  page.evaluate(() => document.documentElement.getAttribute('data-build'));
const kept = (page: Page): Promise<string[]> => page.evaluate(() => window.caches.keys());

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    browser = await startBrowser();
  });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'llava-onevision-page-'));
    cpSync(BUILT, folder, { recursive: true });
    url = '';
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async (context) => {
    await showFailure(here, context);
    await here.close();
    await away();
    // The API is not there, nor is the server at times (503 while it closes): what the browser says of it.
    for (const problem of here.problems)
      expect(problem).toMatch(/ERR_CONNECTION_REFUSED|status of (404|502|503)/);
  });

  it('opens while the server is away, as the newest that was there', async () => {
    await serve();
    here = await visit(browser, url);
    const { page } = here;
    await keptForAway(page);
    const [old] = await kept(page);
    await away();
    await page.reload();
    await sees(page, 'The server does not answer.');
    expect(await build(page)).toBeNull();
    // What is read when it is wanted, too.
    await page.select('select[aria-label="Language"]', 'zh');
    await sees(page, '服务器');

    renew('newer');
    await serve();
    await page.reload();
    expect(await build(page)).toBe('newer');
    await expect
      .poll(() => kept(page), { timeout: WAIT_MS })
      .toEqual([old!.replace(/\w+$/, 'newer')]);
    await away();
    await page.reload();
    expect(await build(page)).toBe('newer');
    // As a proxy says it.
    await serve((proxy) => {
      proxy.get('/*', (_, reply) => reply.code(502).send('Bad gateway'));
    });
    await page.reload();
    expect(await build(page)).toBe('newer');
  });

  it('leaves the address to who has it next', async () => {
    await serve();
    here = await visit(browser, url);
    const { page } = here;
    await keptForAway(page);
    await away();
    await serve((other) => {
      other.get('/', (_, reply) => reply.type('text/html').send('<p>somebody else'));
    });
    await page.reload();
    await sees(page, 'somebody else');
    await expect.poll(() => kept(page), { timeout: WAIT_MS }).toEqual([]);
    const nLeft = () =>
      page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
    await expect.poll(nLeft, { timeout: WAIT_MS }).toBe(0);
  });
});
