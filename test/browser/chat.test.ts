// A conversation on the chat page, with a model that says what the test wants: asking, streaming, stopping, other answers, other
// questions, going on, settings.
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answered, ask, fill, lastOf, newest, press, sees } from './rig/page-acts.js';
import {
  browserTests,
  leave,
  named,
  startBrowser,
  type Toy,
  toyServer,
  UNTRUSTED,
  type Visit,
  visit,
} from './rig/page-rig.js';

const PICTURE = join(import.meta.dirname, '../../demo/pictures/shape-2.png');

let browser: Browser;
let toy: Toy;
let here: Visit;

describe('the chat page', browserTests, () => {
  beforeAll(async () => {
    browser = await startBrowser();
    toy = await toyServer({ slots: 1, allowHosts: [UNTRUSTED] });
  });
  afterAll(async () => {
    await browser?.close();
    await toy?.close();
  });
  afterEach(async (context) => {
    toy.release();
    await leave(here, context);
  });

  const arrive = async (url = toy.url) => {
    here = await visit(browser, url);
    return here.page;
  };

  it('streams Markdown, and draws it as it grows', async () => {
    toy.reply = () => '# Seen\n\n- a **star**\n- `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n';
    toy.hold(12);
    const page = await arrive();
    await ask(page, 'What?');
    // Half of it is there, and the page takes it for what it is.
    await page.waitForSelector('article h3');
    expect(await page.$('article table')).toBeNull();
    toy.release();
    await answered(page);
    const kinds = ['h3', 'strong', 'li', 'code', 'td'];
    const drawn = (names: string[]) =>
      names.map((name) => document.querySelector(`article ${name}`)?.textContent);
    expect(await page.evaluate(drawn, kinds)).toEqual(['Seen', 'star', 'a star', 'code', '1']);
  });

  it('draws code and lists as they grow, never otherwise than they will be', async () => {
    const code = 'const a = 1;\n\nconst b = 2;\n';
    const items = ['one', 'two', 'three', 'four'];
    toy.reply = () =>
      `\`\`\`ts\n${code}\`\`\`\n\n${items.map((item) => `1. **${item}**\n`).join('')}`;
    const page = await arrive();
    await page.waitForSelector('main');
    await page.evaluate(() => {
      window.drawn = [];
      new MutationObserver(() => {
        const texts = (of: string) =>
          [...document.querySelectorAll(of)].map((one) => one.textContent);
        window.drawn.push([texts('article pre')[0] ?? '', texts('article li')]);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    // A frame for every letter, but for the first, which are drawn together if the machine is quick.
    let nSteps = 0;
    const frame = () => new Promise<void>((resolve) => window.requestAnimationFrame(resolve));
    toy.onStep = () => (++nSteps > 10 ? page.evaluate(frame) : undefined);
    await ask(page, 'What?');
    await answered(page);
    const drawn: [string, string[]][] = await page.evaluate(() => window.drawn);
    for (const [text] of drawn) expect(code).toContain(text.trimEnd());
    for (const [, list] of drawn)
      list.forEach((item, i) => {
        expect(items[i]!.startsWith(item)).toBe(true);
        if (i < list.length - 2) expect(item).toBe(items[i]);
      });
    expect(new Set(drawn.map(([text]) => text)).size).toBeGreaterThan(1);
    expect(drawn.at(-1)).toEqual([code, items]);
  });

  it('leaves the beginning of a long paragraph as it was drawn while its end grows', async () => {
    const words = Array.from({ length: 130 }, (_, i) => (i % 10 === 0 ? `**w${i}**` : `w${i}`));
    const text = words.map((word) => `${word} is`).join(' ');
    toy.reply = () => text;
    const page = await arrive();
    const isSame = () => {
      const first = document.querySelector('article p').firstChild;
      const before = window.drawn;
      window.drawn = first;
      return first === before;
    };
    toy.hold(text.indexOf('w111 '));
    await ask(page, 'What?');
    await sees(page, 'w109 is');
    toy.release();
    toy.hold(30);
    await sees(page, 'w113 is');
    // From here on it is in two parts.
    await page.evaluate(isSame);
    toy.release();
    toy.hold(40);
    await sees(page, 'w117 is');
    expect(await page.evaluate(isSame)).toBe(true);
    toy.release();
    await answered(page);
    expect((await newest(page)).trim()).toContain(text.replaceAll('*', ''));
    expect(await page.$$eval('article strong', (all) => all.length)).toBe(13);
  });

  it('stops, and answers again beside what there was', async () => {
    toy.reply = () => 'one two three';
    toy.hold(5);
    const page = await arrive();
    await ask(page, 'Count');
    await sees(page, 'one');
    await press(page, 'Stop');
    await sees(page, 'Stopped.');
    toy.release();
    await answered(page);
    expect(await newest(page)).not.toContain('three');
    await press(page, 'Answer again');
    await sees(page, 'one two three');
    await answered(page);
    await page.waitForSelector(named('Version 2 of 2'));
    await press(page, 'Previous version');
    await sees(page, 'Stopped.');
    expect(await newest(page)).not.toContain('three');
  });

  it('asks an earlier question otherwise, and both branches stay', async () => {
    toy.reply = (prompt) => `You said ${/.*user\n(.*?)<\|im_end\|>/s.exec(prompt)?.[1]}`;
    const page = await arrive();
    await ask(page, 'apples');
    await answered(page);
    await ask(page, 'pears');
    await answered(page, 2);
    await press(page, 'Edit');
    await fill(page, 'Message', 'plums');
    await press(page, 'Ask this instead');
    await sees(page, 'You said plums');
    await answered(page);
    // What was asked before it is no part of it.
    expect(here.chats.at(-1).messages.map((one: { content: string }) => one.content)).toEqual([
      'plums',
    ]);
    await press(page, 'Previous version');
    await sees(page, 'You said pears');
    await answered(page, 2);
  });

  it('copies the answer as it was written', async () => {
    toy.reply = () => 'a **star**';
    const page = await arrive();
    await ask(page, 'What?');
    await answered(page);
    await (await lastOf(page, 'Copy')).click();
    await sees(page, 'Copied');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('a **star**');
  });

  it('answers where it came over plain http from elsewhere', async () => {
    toy.reply = () => 'a **star**';
    const page = await arrive(toy.url.replace('127.0.0.1', UNTRUSTED));
    expect(await page.evaluate(() => window.isSecureContext)).toBe(false);
    const [chooser] = await Promise.all([
      page.waitForFileChooser(),
      press(page, 'Add pictures or clips'),
    ]);
    await chooser.accept([PICTURE]);
    await page.waitForSelector('li img');
    await ask(page, 'What?');
    await answered(page);
    expect(await newest(page)).toContain('a star');
    await (await lastOf(page, 'Copy')).click();
    await sees(page, 'Copied');
    await page.reload();
    await answered(page);
    for (const problem of here.problems.splice(0))
      expect(problem).toMatch(/^The Cross-Origin-Opener-Policy header has been ignored/);
  });

  it('sends the settings, and goes on where the limit came', async () => {
    toy.reply = () => 'one two three four';
    const page = await arrive();
    await press(page, 'Show settings');
    await fill(page, 'System prompt', 'Be brief.');
    await fill(page, 'Temperature', '0.5', 'slider');
    await fill(page, 'Top K', '7', 'spinbutton');
    await fill(page, 'Seed', '11', 'spinbutton');
    await fill(page, 'Stop at', 'END');
    await fill(page, 'Longest answer, in tokens', '7', 'spinbutton');
    await ask(page, 'Count');
    await sees(page, 'The answer reached its length limit.');
    await answered(page);
    expect(here.chats[0]).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Count' },
      ],
      ...{ temperature: 0.5, top_k: 7, seed: 11, stop: ['END'], max_tokens: 7, stream: true },
    });
    await press(page, 'Continue');
    await sees(page, 'one two three');
    await answered(page);
    expect(here.chats[1]).toMatchObject({ continue_final_message: true });
    expect(here.chats[1].messages.at(-1)).toEqual({ role: 'assistant', content: 'one two' });
  });

  it('shows an answer that keeps a schema as a table and as a tree', async () => {
    toy.reply = () => '[{"shape":"star","n":2},{"shape":"ring","n":1}]';
    const page = await arrive();
    await press(page, 'Show settings');
    const schema = '{"type":"array","items":{"type":"object"}}';
    await fill(page, 'JSON schema', '{');
    await sees(page, 'Not JSON yet');
    await fill(page, 'JSON schema', schema);
    await ask(page, 'Which shapes?');
    await answered(page);
    expect(here.chats[0].response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: JSON.parse(schema) },
    });
    const cells = () =>
      [...document.querySelectorAll('article th, article td')].map((cell) => cell.textContent);
    await page.waitForSelector('article table');
    expect((await page.evaluate(cells)).slice(0, 6)).toEqual([
      'shape',
      'n',
      'star',
      '2',
      'ring',
      '1',
    ]);
    await press(page, 'Tree');
    await page.waitForSelector('article details[open]');
    expect(await newest(page)).toContain('2 items');
  });

  it('tells its place in the line, and how far the prompt is', async () => {
    toy.reply = () => 'yes';
    toy.hold(0);
    const page = await arrive();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'first' }] });
    const first = fetch(`${toy.url}/v1/chat/completions`, { method: 'POST', headers, body });
    await expect
      .poll(async () => await (await fetch(`${toy.url}/metrics`)).text())
      .toMatch(/requests_running.* 1/);
    await ask(page, 'second');
    await sees(page, 'Next in line');
    toy.release();
    await answered(page);
    expect((await first).status).toBe(200);
  });

  it('writes a failure where the answer would be, and asks again', async () => {
    toy.reply = () => 'yes';
    let nSteps = 0;
    toy.onStep = () => {
      if (++nSteps === 1) throw new Error('broken');
    };
    const page = await arrive();
    await ask(page, 'What?');
    await sees(page, 'No answer:');
    await press(page, 'Try again');
    await sees(page, 'yes');
    await answered(page);
  });
});
