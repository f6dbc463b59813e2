// What a visitor asks, and how answers come, in every look: pictures by every way in, streaming, stop, going on, other answers, other
// questions, the line of those who wait. axe looks at all that opens on the way.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isFine } from './rig/for-everybody.js';
import {
  answered,
  ask,
  attach,
  attached,
  choose,
  chord,
  drop,
  fill,
  holds,
  lastOf,
  newest,
  paste,
  press,
  said,
  sees,
} from './rig/page-acts.js';
import { named, WAIT_MS } from './rig/page-rig.js';
import { picture, unlock, walks } from './rig/walk.js';

const MARKDOWN =
  '# A picture\n\nIt has a **star**, a [link](https://example.org) and `code`:\n\n' +
  '```js\nconst answer = 42;\n```\n\n| what | how many |\n|---|---|\n| star | 1 |\n\n> $x^2$';

/** Pictures of a message as they were sent. */
// biome-ignore lint/suspicious/noExplicitAny: a request's JSON
const sent = ({ content }: any): Buffer[] =>
  content.flatMap(({ image_url }: { image_url?: { url: string } }) =>
    image_url ? [Buffer.from(image_url.url.split(',')[1]!, 'base64')] : [],
  );

walks((walk) => {
  it('takes the key', async () => {
    const { page, here } = walk;
    await sees(page, 'This server wants a key');
    await walk.giveKey('wrong');
    await sees(page, 'The server does not know this key.');
    await isFine(page, 'key');
    for (const problem of here.problems) expect(problem).toContain('status of 401');
    await unlock(walk);
    await isFine(page, 'empty');
  });

  it('takes pictures by drop, paste, picker and camera; moves and removes them', async () => {
    const { page, here, isPhone } = walk;
    const nAttached = (n: number) =>
      expect.poll(async () => (await attached(page)).length, { timeout: WAIT_MS }).toBe(n);
    await drop(here, picture('shape-2.png'));
    await holds(page, 'shape-2.png');
    await attach(page, picture('corner-1.png'), picture('count-2.jpg'));
    await holds(page, 'shape-2.png', 'corner-1.png', 'count-2.jpg');
    await paste(here, picture('number-1.png'));
    await nAttached(4);
    const pasted = (await attached(page)).at(-1)!;
    const shoot = () => press(page, 'Take a picture');
    // On a phone it is the phone's own.
    if (isPhone) await choose(page, shoot, picture('count-1.png'));
    else {
      await shoot();
      await page.waitForFunction(() => document.querySelector('dialog video')?.videoWidth > 0);
      await isFine(page, 'camera');
      await press(page, 'Take the picture');
    }
    await nAttached(5);
    const shot = (await attached(page)).at(-1)!;
    await isFine(page, 'attachments');
    await press(page, `Remove ${pasted}`);
    await page.focus('li[aria-label="count-2.jpg"]');
    await chord(page, 'Alt', 'ArrowLeft');
    await holds(page, 'shape-2.png', 'count-2.jpg', 'corner-1.png', shot);
    await page.focus('li[aria-label="shape-2.png"]');
    await page.keyboard.press('Delete');
    await holds(page, 'count-2.jpg', 'corner-1.png', shot);
    await ask(page, 'What is in the second image?');
    await answered(page);
    const bytes = sent(here.chats[0].messages[0]);
    expect(bytes).toHaveLength(3);
    expect(bytes.slice(0, 2)).toEqual(
      ['count-2.jpg', 'corner-1.png'].map((name) => readFileSync(picture(name))),
    );
    await holds(page);
  });

  it('shows the pictures of a question in full', async () => {
    const { page } = walk;
    await press(page, 'Enlarge count-2.jpg');
    await page.waitForSelector('dialog img[alt="count-2.jpg"]');
    await press(page, 'Next');
    await page.waitForSelector('dialog img[alt="corner-1.png"]');
    await isFine(page, 'lightbox');
    await press(page, 'Close');
    await page.waitForSelector('dialog', { hidden: true });
  });

  it('streams Markdown, and draws it as it grows', async () => {
    const { page, demo } = walk;
    demo.grammar = `root ::= ${JSON.stringify(MARKDOWN)}`;
    demo.gate.hold(30);
    await ask(page, 'What is in it?');
    // The beginning is there, and the page takes it for what it is.
    await page.waitForSelector('article h3');
    expect(await page.$('article table')).toBeNull();
    demo.gate.release();
    await answered(page, 2);
    await page.waitForSelector('article pre [class^=hljs]');
    await page.waitForSelector('article blockquote math');
    const kinds = ['h3', 'strong', 'a', 'p code', 'td'];
    const drawn = (names: string[]) =>
      names.map((name) => document.querySelector(`article .markdown ${name}`)?.textContent);
    expect(await page.evaluate(drawn, kinds)).toEqual([
      ...['A picture', 'star', 'link (example.org)', 'code', 'star'],
    ]);
    await isFine(page, 'Markdown');
  });

  it('stops, says so aloud, and goes on', async () => {
    const { page, here, demo } = walk;
    await walk.begin();
    await attach(page, picture('shape-2.png'));
    demo.gate.hold(3);
    await ask(page, 'Describe the image.');
    await sees(page, 'A green');
    await isFine(page, 'writing');
    await press(page, 'Stop');
    await sees(page, 'Stopped.');
    await expect.poll(() => said(page), { timeout: WAIT_MS }).toMatch(/A green.* Stopped\./);
    demo.gate.release();
    await answered(page);
    expect(await newest(page)).not.toContain('background.');
    await press(page, 'Continue');
    await sees(page, 'A green triangle on a purple background.');
    await answered(page);
    const { messages, continue_final_message } = here.chats.at(-1);
    expect(continue_final_message).toBe(true);
    expect(messages.at(-1).content).toMatch(/^A green/);
  });

  it('answers again, asks otherwise, and keeps all versions; copies', async () => {
    const { page, here } = walk;
    await press(page, 'Answer again');
    await page.waitForSelector(named('Version 2 of 2'));
    await answered(page);
    await (await lastOf(page, 'Copy')).click();
    await sees(page, 'Copied');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe('A green triangle on a purple background.');
    await press(page, 'Edit');
    await page.waitForSelector(named('Ask this instead'));
    await isFine(page, 'editing');
    await fill(page, 'Message', 'Which shape?');
    await press(page, 'Ask this instead');
    await page.waitForSelector(named('Next version'));
    await answered(page);
    const [question] = here.chats.at(-1).messages;
    expect(question.content.at(-1).text).toBe('Which shape?');
    expect(sent(question)).toEqual([readFileSync(picture('shape-2.png'))]);
    const asks = (text: string) =>
      page.waitForSelector(`::-p-xpath(//p[@class="said"][.="${text}"])`);
    await asks('Which shape?');
    await press(page, 'Previous version');
    await asks('Describe the image.');
    await sees(page, 'A green triangle on a purple background.');
  });

  it('waits in line, says its place, and leaves it by a key', async () => {
    const { page, demo, key } = walk;
    demo.gate.hold(0);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
    const messages = [{ role: 'user', content: 'first' }];
    const body = JSON.stringify({ model: 'demo', messages });
    const url = `${demo.url}/v1/chat/completions`;
    const first = fetch(url, { method: 'POST', headers, body });
    const metrics = async () => (await fetch(`${demo.url}/metrics`, { headers })).text();
    await expect.poll(metrics, { timeout: WAIT_MS }).toMatch(/requests_running.* 1/);
    await ask(page, 'second');
    await sees(page, 'Next in line');
    await expect.poll(() => said(page), { timeout: WAIT_MS }).toContain('Next in line');
    await isFine(page, 'waiting');
    await page.keyboard.press('Escape');
    await sees(page, 'Stopped.');
    demo.gate.release();
    expect((await first).status).toBe(200);
    await answered(page, 2);
  });
});
