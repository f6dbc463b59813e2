// biome.rooms.json: every room of src/ has its rule, and Biome keeps it: a room imports what stands before it, nothing behind.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
/** Needs no rule, since nothing stands behind it. */
const LAST = 'cli';

const folder = mkdtempSync(join(tmpdir(), 'rooms-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { overrides } = JSON.parse(readFileSync(join(ROOT, 'biome.rooms.json'), 'utf8')) as {
  overrides: { includes: string[] }[];
};
const existing = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
/** In the order of the rules, which may name rooms that are still to come. */
const rooms = overrides
  .flatMap(({ includes }) => includes.map((one) => /^src\/([\w-]+)\/\*\*$/.exec(one)?.[1] ?? ''))
  .filter((name) => existing.includes(name))
  .concat(LAST);

test('every folder of src has a rule', () => {
  expect([...rooms].sort()).toEqual([...existing].sort());
});

/** Writes a file that imports something of every room, one to a line. */
function plant(path: string, toSrc: string): void {
  const lines = rooms.map((room) => `import '${toSrc}${room}/x.js';`);
  writeFileSync(join(folder, path), lines.join('\n'));
}

/** Runs Biome on what is planted. @returns the rooms that each file may not import */
function refused(): Record<string, string[]> {
  const config = { extends: ['./biome.rooms.json'], linter: { rules: { preset: 'none' } } };
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(config));
  cpSync(join(ROOT, 'biome.rooms.json'), join(folder, 'biome.rooms.json'));
  const { stdout } = spawnSync(
    process.execPath,
    [
      ...[join(ROOT, 'node_modules/@biomejs/biome/bin/biome'), 'lint', 'src'],
      ...['--reporter=json', '--max-diagnostics=none'],
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  const found: { category: string; location: { path: string; start: { line: number } } }[] =
    JSON.parse(stdout).diagnostics;
  expect(new Set(found.map(({ category }) => category)).size).toBe(1);
  const files = new Set(found.map(({ location }) => location.path));
  const refusedIn = (file: string) =>
    rooms.filter((_, i) =>
      found.some(({ location: { path, start } }) => path === file && start.line === i + 1),
    );
  return Object.fromEntries(
    [...files].map((file) => [file.replaceAll('\\', '/'), refusedIn(file)]),
  );
}

test('a room may import every room before it and none behind it; files beside the rooms none', () => {
  for (const room of rooms) {
    mkdirSync(join(folder, 'src', room), { recursive: true });
    plant(`src/${room}/planted.ts`, '../');
  }
  plant('src/planted.ts', './');
  const expected = rooms
    .slice(0, -1)
    .map((room, i) => [`src/${room}/planted.ts`, rooms.slice(i + 1)]);
  expect(refused()).toEqual({ 'src/planted.ts': rooms, ...Object.fromEntries(expected) });
}, 60_000);
