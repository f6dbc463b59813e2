import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellQuote } from '../../../src/cli/shared/shell-quote.js';

test.each([
  ['models/a-f16.gguf', 'models/a-f16.gguf', 'models/a-f16.gguf'],
  ['my models/a.gguf', "'my models/a.gguf'", '"my models/a.gguf"'],
  ["it's/$x.gguf", "'it'\\''s/$x.gguf'", '"it\'s/$x.gguf"'],
  ['C:\\m\\a.gguf', "'C:\\m\\a.gguf'", 'C:\\m\\a.gguf'],
])('%s', (word, posix, windows) => {
  expect(shellQuote(word, 'linux')).toBe(posix);
  expect(shellQuote(word, 'win32')).toBe(windows);
});

test.runIf(process.platform !== 'win32')('the shell reads what was meant', () => {
  const word = `a b'c"d$HOME\\e\`f*;(g)&|<>!#~`;
  const said = execFileSync('/bin/sh', ['-c', `printf %s ${shellQuote(word)}`], {
    encoding: 'utf8',
  });
  expect(said).toBe(word);
});
