/**
 * Makes the pictures of docs/chat-page.md from the page itself, with the demonstration's model (`npm run docs:screenshots`). Needs
 * chromium on the PATH, or CHROME_PATH.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import sharp from 'sharp';
import { convert, LlavaOneVision } from '../dist/src/index.js';
import { createServer } from '../dist/src/server/index.js';
import { findBrowser } from './find-browser.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'docs/images');
const MAX_BYTES = 150 * 1024;

const SHOTS = [
  { name: 'chat-page', width: 1280, height: 940, scheme: 'light', example: 0, isOpen: true },
  { name: 'chat-page-dark', width: 1280, height: 860, scheme: 'dark', example: 2 },
  { name: 'chat-page-phone', width: 390, height: 844, scheme: 'light', example: 0 },
];

async function serveDemo(folder) {
  const files = await convert({
    checkpoint: join(ROOT, 'demo/checkpoint'),
    outdir: folder,
    name: 'demo',
  });
  const model = await LlavaOneVision.load({
    model: files.model.path,
    mmproj: files.mmproj.path,
    contextSize: 8192,
  });
  const app = createServer(model, { modelName: 'demo', page: true, drainMs: 0 });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const close = async () => {
    await app.close();
    await model.dispose();
  };
  return { url, close };
}

/** One of the page's own examples is asked; `isOpen`: with what the model saw. */
async function shoot(browser, url, { width, height, scheme, example, isOpen }) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const isMobile = width < 600;
  await page.setViewport({ width, height, isMobile, hasTouch: isMobile, deviceScaleFactor: 1.5 });
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: scheme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
  await page.goto(url);
  await page.locator(`.examples li:nth-child(${example + 1}) button`).click();
  await page.waitForSelector('[aria-label="Answer again"]');
  if (isOpen) {
    await page.locator('::-p-text(What the model saw)').click();
    await page.waitForSelector('article svg[role=img] image');
  }
  await page.evaluate(
    (selector) => {
      document.activeElement?.blur();
      document.querySelector(selector)?.scrollIntoView();
    },
    isOpen ? 'article.answer' : 'article',
  );
  await page.waitForNetworkIdle();
  const png = await page.screenshot();
  await context.close();
  return sharp(png).png({ palette: true, quality: 90, effort: 10 }).toBuffer();
}

const folder = mkdtempSync(join(tmpdir(), 'llava-onevision-shots-'));
const isRoot = process.getuid?.() === 0;
const args = isRoot ? ['--no-sandbox'] : [];
const browser = await puppeteer.launch({ executablePath: findBrowser(), args });
const served = await serveDemo(folder);
try {
  mkdirSync(OUT, { recursive: true });
  for (const shot of SHOTS) {
    const bytes = await shoot(browser, served.url, shot);
    if (bytes.length > MAX_BYTES) throw new Error(`${shot.name} has ${bytes.length} bytes.`);
    writeFileSync(join(OUT, `${shot.name}.png`), bytes);
    console.log(`${shot.name}.png: ${Math.round(bytes.length / 1024)} KB`);
  }
} finally {
  await browser.close();
  await served.close();
  rmSync(folder, { recursive: true, force: true });
}
