/** The words of `run`: which is the model, what are pictures and clips, which is the question. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { readWords } from '../../../../src/cli/run/words.js';

const folder = mkdtempSync(join(tmpdir(), 'words-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string, bytes: string) => {
  writeFileSync(join(folder, name), bytes, 'latin1');
  return join(folder, name);
};
const picture = at('a.jpg', '\xff\xd8\xff');
const clip = at('clip', '\x1a\x45\xdf\xa3');
const brackets = at('a[1].png', '\x89PNG\r\n\x1a\n');
const command = new Command('run').exitOverride().configureOutput({ writeErr: () => {} });
const image = (image: string) => ({ type: 'image', image });

describe('understood', () => {
  test.each<[string, string[], object, object]>([
    ['no media', ['demo', 'Hi?'], {}, { model: 'demo', media: [], prompt: 'Hi?' }],
    ['by flags', [], { model: 'demo', prompt: 'Hi?' }, { model: 'demo', media: [], prompt: 'Hi?' }],
    [
      'media by their bytes, in their order',
      ['demo', picture, clip, brackets, 'What?'],
      { frames: 4 },
      { media: [image(picture), { type: 'video', video: clip, frames: 4 }, image(brackets)] },
    ],
    [
      'addresses by their ending',
      ['m', 'https://x.org/a.jpg?b=*', 'http://x.org/c.MP4?d', 'data:video/mp4;base64,AA', 'What?'],
      {},
      {
        media: [
          image('https://x.org/a.jpg?b=*'),
          { type: 'video', video: 'http://x.org/c.MP4?d' },
          { type: 'video', video: 'data:video/mp4;base64,AA' },
        ],
      },
    ],
    ['stdin as a picture', ['m', '-', 'What?'], {}, { media: [image('-')], prompt: 'What?' }],
    [
      'with --prompt all are media',
      ['m', picture],
      { prompt: '-' },
      { media: [image(picture)], prompt: '-' },
    ],
  ])('%s', async (_, words, flags, expected) => {
    expect(await readWords(words, flags, command)).toMatchObject(expected);
  });
});

describe('wrong usage', () => {
  test.each<[string, string[], RegExp]>([
    ['nothing', [], /missing MODEL/],
    ['no question', ['demo'], /missing the question, .*--prompt/],
    ['a picture in place of the question', ['demo', picture], /the last word, .*a\.jpg, is a file/],
    ['the question first', ['demo', 'What is it?', picture], /"What is it\?" stands last/],
    ['a folder', ['demo', folder, 'x'], /is a folder.*batch MODEL --input '.*\/\*'/],
    ['a pattern', ['demo', 'photos/*.jpg', 'x'], /is a pattern.*--input 'photos\/\*\.jpg'/],
    ['stdin twice', ['demo', '-', '-', 'x'], /stdin \(-\) can be read once/],
    ['stdin for both', ['demo', '-', '-'], /stdin \(-\) can be read once/],
  ])('%s', async (_, words, message) => {
    await expect(readWords(words, {}, command)).rejects.toThrow(message);
  });
});
