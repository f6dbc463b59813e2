// What a visitor sets, sees and keeps, in every look: settings, a schema, what the model saw, conversations in the browser and in
// files, a full disk, a server that is away, keys, Chinese. axe looks at all that opens on the way.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { clipTests } from '../support/moving-clip.js';
import { isFine } from './rig/for-everybody.js';
import {
  answered,
  ask,
  attach,
  choose,
  fill,
  keptForAway,
  newest,
  pick,
  press,
  saveTo,
  sees,
  seesNot,
} from './rig/page-acts.js';
import { named, WAIT_MS } from './rig/page-rig.js';
import { picture, QUOTA, unlock, walks } from './rig/walk.js';

/** Every value of few tokens. */
const SCHEMA = {
  type: 'object',
  properties: {
    shape: { enum: ['star', 'ring'] },
    parts: {
      ...{ type: 'array', minItems: 2, maxItems: 2 },
      items: {
        type: 'object',
        properties: {
          n: { type: 'integer', minimum: 0, maximum: 9 },
          isRound: { type: ['boolean', 'null'] },
        },
        required: ['n', 'isRound'],
        additionalProperties: false,
      },
    },
  },
  required: ['shape', 'parts'],
  additionalProperties: false,
};

let clip: Buffer | undefined;

/** Of a kind that chromium plays; made once. */
function playableClip(): Buffer {
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=96x72:rate=10:duration=2'];
  const form = ['-c:v', 'libvpx', '-f', 'webm', '-'];
  clip ??= execFileSync('ffmpeg', ['-v', 'error', ...source, ...form]);
  return clip;
}

walks((walk) => {
  const openSeen = async () => {
    const toggles = await walk.page.$$('.seen-toggle');
    await toggles.at(-1)!.click();
    await walk.page.waitForSelector('.answer:last-of-type .seen-stages');
  };

  it('keeps to the system prompt, the sampling and a schema; shows a table and a tree', async () => {
    const { page, here } = walk;
    await unlock(walk);
    await press(page, 'Show settings');
    await fill(page, 'System prompt', 'Be brief.');
    await fill(page, 'Temperature', '0.5', 'slider');
    await fill(page, 'Top K', '7', 'spinbutton');
    await fill(page, 'Seed', '11', 'spinbutton');
    await fill(page, 'Frames looked at', '4', 'spinbutton');
    await press(page, 'Insert an example');
    await sees(page, 'The next answer will keep to it.');
    await fill(page, 'JSON schema', '{');
    await sees(page, 'Not JSON yet');
    await isFine(page, 'settings');
    await fill(page, 'JSON schema', JSON.stringify(SCHEMA));
    await press(page, 'Hide settings');
    await attach(page, picture('shape-2.png'));
    await ask(page, 'Which shapes?');
    await answered(page);
    const { messages, response_format, ...asked } = here.chats.at(-1);
    expect(messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
    expect(asked).toMatchObject({ model: 'demo', temperature: 0.5, top_k: 7, seed: 11 });
    expect(response_format.json_schema.schema).toEqual(SCHEMA);
    await page.waitForSelector('article table table');
    const heads = () => [...document.querySelectorAll('article th')].map((one) => one.innerText);
    expect(await page.evaluate(heads)).toEqual(['shape', 'parts', 'n', 'isRound']);
    await isFine(page, 'table');
    await press(page, 'Tree');
    await page.waitForSelector('article details details[open]');
    await isFine(page, 'tree');
  });

  it('shows the tiles of a picture, what was cached, and how long each stage took', async () => {
    const { page, folder } = walk;
    await walk.begin();
    const wide = join(folder, 'wide.png');
    await sharp(picture('shape-2.png')).resize(300, 140, { fit: 'fill' }).toFile(wide);
    await attach(page, wide);
    await ask(page, 'Describe the image.');
    await answered(page);
    await openSeen();
    await page.waitForSelector('article svg[role=img] image');
    const text = await newest(page);
    const [, cols = '', rows = ''] = /(\d+) × (\d+) tiles of 112 pixels/.exec(text)!;
    await page.waitForSelector(
      named(`wide.png with the ${cols} by ${rows} tiles that the model looked at`),
    );
    const numbers = await page.$$eval('article svg text', (all) =>
      all.map((one) => one.textContent),
    );
    const nTiles = Number(cols) * Number(rows);
    expect(numbers).toEqual(Array.from({ length: nTiles }, (_, i) => `${i + 1}`));
    for (const words of ['300 × 140 pixels', 'Overview', '% padding, left out', ' rows'])
      expect(text).toContain(words);
    for (const stage of ['Preparing pictures', 'Looking', 'Reading the prompt', 'Writing'])
      expect(text).toMatch(new RegExp(`${stage}\\s+[\\d.]+ m?s`));
    await isFine(page, 'tiles');
    await ask(page, 'What colour has it?');
    await answered(page, 2);
    await openSeen();
    // The picture and all that was said of it.
    expect(await newest(page)).toMatch(/of them cached\s+\d+ \([89]\d %\)/);
    await press(page, 'Show 1 earlier one');
    await sees(page, 'from the cache');
  });

  it('shows the frames of a clip on its time line', clipTests, async () => {
    const { page, folder } = walk;
    const clip = join(folder, 'moving.webm');
    writeFileSync(clip, playableClip());
    await walk.begin();
    await attach(page, clip);
    await ask(page, 'Describe the video.');
    await answered(page);
    await openSeen();
    await sees(page, 'Frame 1 of 4, at 0:00');
    await page.focus('[aria-label="Chosen frames"]');
    await page.keyboard.press('End');
    await sees(page, 'Frame 4 of 4, at 0:01');
    await isFine(page, 'frames');
  });

  const nListed = () => walk.page.$$eval('.conversation', (all) => all.length);
  const lists = (n: number) => expect.poll(nListed, { timeout: WAIT_MS }).toBe(n);

  it('keeps conversations and the key over a reload; finds and renames', async () => {
    const { page, isPhone } = walk;
    await page.reload();
    await page.waitForSelector('.turn');
    await page.waitForFunction(() => document.querySelector('.bar select'));
    await seesNot(page, 'This server wants a key');
    if (isPhone) await press(page, 'Show conversations');
    await isFine(page, 'list');
    await fill(page, 'Search conversations', 'no such word', 'searchbox');
    await sees(page, 'Nothing found');
    await fill(page, 'Search conversations', 'WHICH shapes', 'searchbox');
    await lists(1);
    await press(page, 'More for “Which shapes?”');
    await page.waitForSelector(named('Delete', 'menuitem'));
    await isFine(page, 'menu of a conversation');
    await press(page, 'Rename', 'menuitem');
    await fill(page, 'Title of the conversation', 'green');
    await isFine(page, 'renaming');
    await page.keyboard.press('Enter');
  });

  it('exports, deletes with a way back, and imports', async () => {
    const { page, folder } = walk;
    await saveTo(folder, page);
    await pick(page, 'More for “green”', 'Export as JSON');
    await pick(page, 'More for “green”', 'Export as Markdown');
    const files = () => readdirSync(folder);
    await expect.poll(files, { timeout: WAIT_MS }).toContain('green.json');
    await expect.poll(files, { timeout: WAIT_MS }).toContain('green.md');
    const markdown = readFileSync(join(folder, 'green.md'), 'utf8');
    expect(markdown).toMatch(/^# green\n[\s\S]*Be brief\.[\s\S]*- image: shape\\-2\.png\n/);
    await pick(page, 'More for “green”', 'Delete');
    await lists(0);
    await press(page, 'Undo');
    await lists(1);
    const open = () => pick(page, 'Options', 'Import conversations…');
    await choose(page, open, join(folder, 'green.md'));
    await sees(page, '1 conversation imported');
    // What is searched for is in it, too.
    await lists(2);
    await choose(page, open, join(folder, 'green.json'));
    await lists(3);
    await page.waitForSelector('article img[alt="shape-2.png"]');
    await isFine(page, 'imported');
  });

  it('lists the keys, and speaks Chinese', async () => {
    const { page, isPhone } = walk;
    await press(page, 'Options');
    await page.waitForSelector(named('Keyboard', 'menuitem'));
    await isFine(page, 'options');
    await page.keyboard.press('Escape');
    await page.waitForSelector(named('Keyboard', 'menuitem'), { hidden: true });
    await page.select('select[aria-label="Language"]', 'zh');
    await page.waitForSelector(named('新对话'));
    expect(await page.evaluate(() => document.documentElement.lang)).toMatch(/^zh/);
    await isFine(page, 'Chinese');
    await page.select('select[aria-label="语言"]', 'en');
    await page.waitForSelector(named('New conversation'));
    if (isPhone) await page.keyboard.press('Escape');
    await page.focus('.turn');
    await page.keyboard.type('?');
    await sees(page, 'Stop the answer');
    await isFine(page, 'keys');
    await page.keyboard.press('Escape');
    await seesNot(page, 'Stop the answer');
  });

  it('stays readable while the server is away, and finds it again', async () => {
    const { page, here, demo } = walk;
    const before = await newest(page);
    await keptForAway(page);
    await demo.stop();
    await ask(page, 'Are you there?');
    await sees(page, 'No answer: The server did not answer.');
    await sees(page, 'The server does not answer.');
    await fill(page, 'Message', 'Again?');
    expect(await page.$('button[aria-label="Send"]:disabled')).not.toBeNull();
    expect(await page.$eval('main', (main) => main.innerText)).toContain(before);
    await isFine(page, 'away');
    await page.reload();
    await sees(page, 'The server does not answer.');
    await sees(page, before);
    await demo.start();
    await seesNot(page, 'The server does not answer.');
    await press(page, 'Try again');
    await answered(page, 2);
    for (const problem of here.problems.splice(0)) expect(problem).toContain('ERR_CONNECTION');
  });

  it('says so where the storage is full, and goes on', async () => {
    const { page, folder } = walk;
    // A picture as before, with more behind its end than there is room for.
    const large = join(folder, 'large.png');
    const bytes = readFileSync(picture('corner-1.png'));
    writeFileSync(large, Buffer.concat([bytes, Buffer.alloc(QUOTA)]));
    await attach(page, large);
    await ask(page, 'Describe the image.');
    await sees(page, 'storage is full');
    await answered(page, 3);
    await page.waitForSelector('article img[alt="large.png"]');
    await isFine(page, 'full');
    await press(page, 'Close');
  });
});
