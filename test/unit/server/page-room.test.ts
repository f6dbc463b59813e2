// The chat page is a room of its own: what a browser gets is its folder and a few packages, and the server's code knows its files only.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../../../src');
const PAGE = join(SRC, 'server/page');

const PACKAGES = [
  'preact',
  '@preact/signals',
  'marked',
  'dompurify',
  'katex',
  'highlight.js',
  'idb',
];

/** Every import of every file, as [file, what it imports]. */
function importsIn(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .flatMap((name) => {
      const code = readFileSync(join(folder, name), 'utf8');
      const found = code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g);
      return [...found].map((match): [string, string] => [join(folder, name), match[1]!]);
    });
}

const isWithin = (path: string) => !relative(PAGE, path).startsWith('..');

it('the page imports its own files and the packages that vite puts into it', () => {
  const imports = importsIn(PAGE).filter(([file]) => !file.endsWith('vite.config.ts'));
  expect(imports.length).toBeGreaterThan(50);
  const strange = imports.filter(([file, name]) => {
    if (name.startsWith('.')) return !isWithin(resolve(dirname(file), name));
    return !PACKAGES.some((known) => name === known || name.startsWith(`${known}/`));
  });
  expect(strange).toEqual([]);
});

it('nothing else imports the page', () => {
  const strange = importsIn(SRC).filter(
    ([file, name]) =>
      !isWithin(file) && name.startsWith('.') && isWithin(resolve(dirname(file), name)),
  );
  expect(strange).toEqual([]);
});
