// What --input finds: files by folder and pattern, questions in JSONL, and what is said of the rest.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openInputs } from '../../../../src/cli/batch/inputs.js';
import { temporaryFolder } from '../../../support/eval.js';

const options = { prompt: '?', media: undefined };

function photos(...names: string[]): string {
  const folder = temporaryFolder();
  for (const name of names) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), 'x');
  }
  return folder;
}

async function found(names: string[], more = {}) {
  const { items, total } = await openInputs(names, { ...options, ...more });
  const all = [];
  for await (const item of items()) all.push(item);
  expect(total).toBe(all.length);
  return all;
}

const FOLDER = ['b.jpg', 'a.PNG', 'note.txt', '.hidden.png', 'sub/c.mp4', 'sub/deep/d.jpg'];

it.each([
  ['', ['a.PNG', 'b.jpg', 'sub/c.mp4', 'sub/deep/d.jpg']],
  ['/', ['a.PNG', 'b.jpg', 'sub/c.mp4', 'sub/deep/d.jpg']],
  ['/*', ['a.PNG', 'b.jpg']],
  ['/*.jpg', ['b.jpg']],
  ['/**/*.jpg', ['b.jpg', 'sub/deep/d.jpg']],
  ['/**/*.{jpg,mp4}', ['b.jpg', 'sub/c.mp4', 'sub/deep/d.jpg']],
  ['/sub/*', ['sub/c.mp4']],
  ['/*/deep/?.jpg', ['sub/deep/d.jpg']],
  ['/[ab].*', ['a.PNG', 'b.jpg']],
])('FOLDER%s', async (pattern, expected) => {
  const folder = photos(...FOLDER);
  expect(await found([folder + pattern])).toEqual(expected.map((name) => `${folder}/${name}`));
});

it('a file counts whatever its name; links to folders are not followed', async () => {
  const folder = photos('a[1].jpg', 'scan.dat', 'sub/b.jpg');
  symlinkSync(folder, join(folder, 'sub/loop'));
  symlinkSync(join(folder, 'scan.dat'), join(folder, 'sub/c.jpg'));
  const names = ['scan.dat', 'a[1].jpg'].map((name) => join(folder, name));
  expect(await found([...names, 'https://127.0.0.1/x.png'])).toEqual([
    ...names,
    'https://127.0.0.1/x.png',
  ]);
  expect(await found([folder])).toEqual(
    ['a[1].jpg', 'sub/b.jpg', 'sub/c.jpg'].map((name) => `${folder}/${name}`),
  );
});

function jsonl(...lines: unknown[]): string {
  const path = join(temporaryFolder(), 'questions.jsonl');
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(path, text.join('\n'));
  return path;
}

it('lines of JSONL are questions, their paths relative to its folder or another', async () => {
  const part = { type: 'image', image: 'b.png' };
  const path = jsonl(
    { image: 'a.png' },
    '',
    { id: 7, images: ['/abs.png', 'https://x/y.png'], videos: 'c.mp4', prompt: 'own\u2028' },
    { id: 'talk', messages: [{ role: 'user', content: [part, { type: 'text', text: '!' }] }] },
  );
  const at = (folder: string) => [
    { id: 'a.png', images: [join(folder, 'a.png')] },
    {
      ...{ id: '7', images: ['/abs.png', 'https://x/y.png'] },
      ...{ videos: [join(folder, 'c.mp4')], prompt: 'own\u2028' },
    },
    {
      id: 'talk',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', image: join(folder, 'b.png') },
            { type: 'text', text: '!' },
          ],
        },
      ],
    },
  ];
  expect(await found([path])).toEqual(at(join(path, '..')));
  expect(await found([path], { media: '/media' })).toEqual(at('/media'));
});

it.each([
  ['nothing there', '/absent/a.jpg', 'that is there'],
  ['an empty folder', temporaryFolder(), 'pictures, clips or questions'],
  ['a pattern of none', `${photos('a.txt')}/*`, 'pictures, clips or questions'],
  ['an empty file', jsonl(''), 'pictures, clips or questions'],
  ['no JSON', jsonl({ prompt: 'x' }, '{"id"'), 'questions.jsonl, line 2 says: it is not JSON'],
  ['no object', jsonl('[1]'), 'line 1 says: expected an object'],
  ['a misspelt key', jsonl({ imges: ['a.png'] }), 'imges'],
  ['a wrong message', jsonl({ messages: [{ role: 'user' }] }), 'content'],
])('%s is said', async (_, name, problem) => {
  await expect(openInputs([name], options)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument: 'input',
    message: expect.stringContaining(problem),
  });
});

it('pictures need a question', async () => {
  const none = { prompt: undefined, media: undefined };
  const argument = 'prompt';
  await expect(openInputs([photos('a.jpg')], none)).rejects.toMatchObject({ argument });
});
