/**
 * The chat page as people have it: built, handed out by a server, in a browser of its own. What a page must never do is watched on
 * the way: a request to elsewhere, an error, something that its policy forbade.
 */
import puppeteer, { type Browser, type CDPSession, type Page } from 'puppeteer-core';
import { expect, type TestContext } from 'vitest';
import { lookForBrowser } from '../../../scripts/find-browser.mjs';
import { createServer, type ServerOptions } from '../../../src/server/index.js';
import type { FakeBindingOptions } from '../../support/fake-binding.js';
import { fakeModel } from '../../support/fake-model.js';
import { listening } from '../../support/serving.js';
import { skipUnless } from '../../support/skip-unless.js';
import { StepGate } from './step-gate.js';

/** Longest to wait for what will be there on any machine, however slow. */
export const WAIT_MS = 100_000;

export const BROWSER = lookForBrowser();

/** Options of a block of tests. */
export const browserTests = skipUnless(BROWSER, 'needs chromium (or CHROME_PATH)');

export const UNTRUSTED = 'page.test';

export function startBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return puppeteer.launch({
    executablePath: BROWSER!,
    args: [
      ...(isRoot ? ['--no-sandbox'] : []),
      // A camera that everybody has.
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      // A name of this machine whose plain http is not trusted, as that of another machine is not.
      `--host-resolver-rules=MAP ${UNTRUSTED} 127.0.0.1`,
      '--disable-gpu',
      '--mute-audio',
    ],
  });
}

export interface Toy {
  url: string;
  /** What it answers from now on, to the prompt as text. */
  reply: (prompt: string) => string;
  /** Before each step of its answers; may throw. */
  onStep: (() => void) | undefined;
  /** Lets so many steps more be done, until `release`. */
  hold(steps: number): void;
  release(): void;
  close(): Promise<void>;
}

/** The real server and the whole engine on a model that says what the test wants, a byte at a time; under several names, if wanted. */
export async function toyServer(server: ServerOptions = {}, names = ['toy']): Promise<Toy> {
  const gate = new StepGate();
  const fake: FakeBindingOptions = {
    reply: (prompt) => toy.reply(prompt),
    onStep: async () => {
      toy.onStep?.();
      await gate.pass();
    },
  };
  const { model } = await fakeModel(fake);
  const app = createServer(Object.fromEntries(names.map((name) => [name, model])), {
    ...{ page: true, drainMs: 0, ...server },
  });
  const toy: Toy = {
    url: (await listening(app)).url,
    reply: () => 'yes',
    onStep: undefined,
    hold: (steps) => gate.hold(steps),
    release() {
      toy.onStep = undefined;
      gate.release();
    },
    async close() {
      toy.release();
      await app.close();
      await model.dispose();
    },
  };
  return toy;
}

export interface Looks {
  width?: number;
  height?: number;
  scheme?: 'light' | 'dark';
  language?: string;
  /** Bytes that the browser lets the page keep. */
  quota?: number;
}

export interface Visit {
  page: Page;
  cdp: CDPSession;
  /** What must not happen: empty at the end. */
  problems: string[];
  /** Paths that were asked for, in order. */
  requests: string[];
  /** Bodies of the chats that were asked, in order. */
  // biome-ignore lint/suspicious/noExplicitAny: a request's JSON
  chats: any[];
  close(): Promise<void>;
}

/** Of a test that failed, what was to be seen. */
export async function showFailure({ page, problems }: Visit, { task }: TestContext): Promise<void> {
  if (task.result?.state === 'fail')
    console.error(await page.evaluate(() => document.body.innerText).catch(String), problems);
}

/** Ends a visit, in which nothing may have happened that must not. */
export async function leave(visited: Visit, context?: TestContext): Promise<void> {
  if (context) await showFailure(visited, context);
  await visited.close();
  expect(visited.problems).toEqual([]);
}

/** A visitor who was never there before. */
export async function visit(browser: Browser, url: string, looks: Looks = {}): Promise<Visit> {
  const { width = 1280, height = 800, scheme = 'light', language = 'en', quota } = looks;
  const context = await browser.createBrowserContext();
  const { origin, hostname } = new URL(url);
  if (hostname !== UNTRUSTED)
    await context.overridePermissions(url, [
      'clipboard-read',
      'clipboard-write',
      'clipboard-sanitized-write',
    ]);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const cdp = await page.createCDPSession();
  const visited: Visit = {
    ...{ page, cdp, problems: [], requests: [], chats: [] },
    close: () => context.close(),
  };
  watch(visited, origin);
  await readChats(visited);
  const isPhone = width < 600;
  await page.setViewport({ width, height, isMobile: isPhone, hasTouch: isPhone });
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: scheme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
  const userAgent = await browser.userAgent();
  await cdp.send('Network.setUserAgentOverride', { userAgent, acceptLanguage: language });
  if (quota !== undefined)
    await cdp.send('Storage.overrideQuotaForOrigin', { origin: url, quotaSize: quota });
  await page.goto(url);
  await page.waitForSelector('#message');
  // What listens to files and keys is there after a frame.
  await page.evaluate(
    () => new Promise((resolve) => window.requestAnimationFrame(() => setTimeout(resolve))),
  );
  return visited;
}

function watch({ page, problems, requests }: Visit, origin: string): void {
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (['blob:', 'data:'].includes(url.protocol)) return;
    requests.push(url.pathname);
    if (url.origin !== origin) problems.push(`asked ${url}`);
  });
  page.on('pageerror', (error) => problems.push(`error: ${String(error)}`));
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) problems.push(message.text());
  });
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
}

/** Their bodies are blobs, which a browser's protocol does not show. */
async function readChats({ page, chats }: Visit): Promise<void> {
  await page.exposeFunction('seeChat', (body: string) => chats.push(JSON.parse(body)));
  await page.evaluateOnNewDocument(() => {
    const { fetch } = window;
    window.fetch = async (url: string, options: RequestInit = {}) => {
      if (String(url).endsWith('/chat/completions'))
        await window.seeChat(await new Response(options.body ?? null).text());
      return fetch(url, options);
    };
  });
}

/** Elements by what a screen reader calls them. */
export const named = (name: string, role?: string) =>
  `::-p-aria([name="${name}"]${role ? `[role="${role}"]` : ''})`;
