// What the chat page costs before it is there, read from what was built: no browser needed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../dist/src/server/page');
const index = readFileSync(join(FOLDER, 'index.html'), 'utf8');
const MAX_BYTES = 80 * 1024;

/** Of a script and what it imports at once. */
function scriptsFrom(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  const code = readFileSync(path, 'utf8');
  const imports = code.matchAll(/\bimport\s*(?:[\w*{}$,\s]+from\s*)?["'](\.[^"']+)["']/g);
  for (const [, name] of imports) scriptsFrom(join(path, '..', name!), found);
  return found;
}

const before = new Set(
  [...index.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].flatMap(([, path]) => {
    const file = join(FOLDER, path!);
    return path!.endsWith('.js') ? [...scriptsFrom(file)] : [file];
  }),
);

describe('before its first paint the page', () => {
  it('takes three requests at most', () => {
    expect(before.size).toBeGreaterThan(0);
    expect([...before].map((path) => path.slice(FOLDER.length)).slice(2)).toEqual([]);
  });

  it('takes 80 KB at most, compressed', () => {
    const sizes = [index, ...[...before].map((path) => readFileSync(path))].map(
      (bytes) => gzipSync(bytes, { level: 9 }).length,
    );
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(MAX_BYTES);
  });
});

it('the page names no address but its own', () => {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(?:js|css|html)$/.test(name),
  );
  const urls = names.flatMap((name) => {
    const found = readFileSync(join(FOLDER, name), 'utf8').matchAll(
      /(?:url\(|import\(|src=|href=)["']?https?:[^"')]*/g,
    );
    return [...found].map(([url]) => `${name}: ${url}`);
  });
  expect(urls).toEqual([]);
});
