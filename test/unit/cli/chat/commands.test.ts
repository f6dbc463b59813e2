// Paths as people put them after a command: typed, quoted, dropped on a terminal.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandPath, splitCommand } from '../../../../src/cli/chat/commands.js';
import { complete } from '../../../../src/cli/chat/completion.js';

const isWindows = process.platform === 'win32';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chat-commands-'));
  mkdirSync(join(folder, 'My Photos'));
  writeFileSync(join(folder, 'My Photos', 'a b (1).png'), '');
  if (!isWindows) writeFileSync(join(folder, 'odd\\name.png'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a path is', () => {
  it.each([
    ['a.png', 'a.png'],
    ['"My Photos/a b.png"', 'My Photos/a b.png'],
    ["'~/a b.png'", join(homedir(), 'a b.png')],
    ['~/a.png', join(homedir(), 'a.png')],
    ['~user/a.png', '~user/a.png'],
  ])('%s', (text, expected) => {
    expect(expandPath(text)).toBe(expected);
  });

  it.skipIf(isWindows).each([
    ['~/My\\ Photos/a\\ b.png', join(homedir(), 'My Photos/a b.png')],
    ["/tmp/it\\'s\\ \\(1\\)\\ \\&\\ more.png", "/tmp/it's (1) & more.png"],
    ['a\\\\b.png', 'a\\b.png'],
    ["'a\\ b.png'", 'a\\ b.png'],
  ])('%s, with backslashes', (text, expected) => {
    expect(expandPath(text)).toBe(expected);
  });

  it.skipIf(isWindows)('left as it stands where there is such a file', () => {
    const path = join(folder, 'odd\\name.png');
    expect(expandPath(path)).toBe(path);
  });
});

it.skipIf(isWindows)('a dropped picture is found, the space after it and all', () => {
  const dropped = `/image ${join(folder, 'My\\ Photos', 'a\\ b\\ \\(1\\).png')} `;
  const { command, text } = splitCommand(dropped);
  expect(command).toBe('image');
  expect(expandPath(text)).toBe(join(folder, 'My Photos', 'a b (1).png'));
});

describe('Tab completes', () => {
  const completions = (line: string) =>
    new Promise((resolve) => complete(line, (_, result) => resolve(result)));

  it('a path as it stands', async () => {
    const typed = `${folder}/My Photos/a`;
    expect(await completions(`/image ${typed}`)).toEqual([[`${typed} b (1).png`], typed]);
  });

  it.skipIf(isWindows)('an escaped one in its own manner', async () => {
    const typed = `${folder}/My\\ Photos/a\\ b`;
    expect(await completions(`/image ${typed}`)).toEqual([[`${typed}\\ \\(1\\).png`], typed]);
  });
});
