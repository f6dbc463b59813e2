// The chat page with a long conversation: how soon it is there, and how long the browser's main thread is busy at a time while an
// answer streams into it. CPU time of the tasks in the browser's own trace, so that a busy machine counts little.
//
//   npm run bench:page -- [--turns 200] [--pictures 100] [--per-second 50] [--json]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { findBrowser } from '../scripts/find-browser.mjs';
import { scriptArgs } from '../scripts/script-args.mjs';
import { answerText, longConversation } from './chat-page/conversation.mjs';
import { servePage } from './chat-page/served.mjs';

const FOLDER = join(import.meta.dirname, '../dist/src/server/page');
const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    turns: { type: 'string', default: '200' },
    pictures: { type: 'string', default: '100' },
    'per-second': { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});

async function importFile(page, file) {
  await page.locator('::-p-aria([name="Options"])').click();
  const item = page.locator('::-p-aria([name="Import conversations…"][role="menuitem"])');
  const [chooser] = await Promise.all([page.waitForFileChooser(), item.click()]);
  await chooser.accept([file]);
  await page.waitForFunction(() => location.hash.length > 1 && document.querySelector('article'));
}

/** Milliseconds from the start of the navigation to the newest answer on the screen. */
async function opened(page, text) {
  await page.reload();
  const found = await page.waitForFunction(
    (wanted) => {
      const last = [...document.querySelectorAll('article')].at(-1);
      return last?.textContent.includes(wanted) && performance.now();
    },
    { polling: 'raf' },
    text,
  );
  return found.jsonValue();
}

/** CPU milliseconds of each task of the page's main thread while an answer is written. */
async function streamed(page, trace) {
  await page.locator('::-p-aria([name="Message"][role="textbox"])').fill('And now?');
  await page.locator('::-p-aria([name="Send"])').click();
  await page.waitForFunction(() => document.querySelector('article[aria-busy] li'));
  await page.tracing.start({ path: trace, categories: ['toplevel', '__metadata'] });
  await page.waitForSelector('[aria-label="Stop"]', { hidden: true, timeout: 300_000 });
  await page.tracing.stop();
  const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8'));
  const isMain = ({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain';
  const mains = new Set(traceEvents.filter(isMain).map(({ pid, tid }) => `${pid} ${tid}`));
  return traceEvents
    .filter(
      ({ name, ph, pid, tid }) =>
        name === 'ThreadControllerImpl::RunTask' && ph === 'X' && mains.has(`${pid} ${tid}`),
    )
    .map(({ tdur = 0 }) => tdur / 1000)
    .sort((a, b) => a - b);
}

const share = (sorted, part) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

const folder = mkdtempSync(join(tmpdir(), 'llava-onevision-page-'));
const text = Array.from({ length: 4 }, (_, i) => answerText(i)).join('\n\n');
const served = await servePage(FOLDER, { text, perSecond: Number(options['per-second']) });
const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const browser = await puppeteer.launch({ executablePath: findBrowser(), args });
try {
  const turns = Number(options.turns);
  const file = join(folder, 'long.json');
  writeFileSync(file, await longConversation({ turns, pictures: Number(options.pictures) }));
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.setViewport({ width: 1280, height: 800 });
  await page.goto(served.url);
  await importFile(page, file);
  const openMs = [];
  for (let i = 0; i < 3; i++) openMs.push(await opened(page, `Answer ${turns - 1}`));
  const tasks = await streamed(page, join(folder, 'trace.json'));
  const figures = {
    turns,
    openMs: Math.round(Math.min(...openMs)),
    tasks: tasks.length,
    p50: share(tasks, 0.5),
    p99: share(tasks, 0.99),
    longest: tasks.at(-1),
    over16: tasks.filter((ms) => ms > 16).length,
  };
  if (options.json) console.log(JSON.stringify(figures));
  else
    console.log(
      `${turns} turns: opens in ${figures.openMs} ms; while an answer streams, ${figures.tasks} tasks of the main thread take ` +
        `${figures.p50.toFixed(2)} ms (p50), ${figures.p99.toFixed(1)} ms (p99), ${figures.longest.toFixed(1)} ms at most; ` +
        `${figures.over16} take more than 16 ms`,
    );
} finally {
  await browser.close();
  served.close();
  rmSync(folder, { recursive: true, force: true });
}
