/** Packages on their way to the registry: order, notes, trials, sizes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findTarball, readNotes, writeNote } from '../../../../scripts/release/notes.mjs';
import { inOrder, isPrerelease } from '../../../../scripts/release/publish.mjs';
import { sizeTable } from '../../../../scripts/release/sizes.mjs';
import { gpuProblem } from '../../../../scripts/release/try-packages.mjs';
import * as platforms from '../../../../src/addon/platform-packages.js';

const folder = mkdtempSync(join(tmpdir(), 'llavaov-packaging-'));

afterAll(() => rmSync(folder, { recursive: true }));

const ROOT = join(import.meta.dirname, '../../../..');

describe('publishing', () => {
  test('takes the main package last, and nothing when one is missing', () => {
    const out = join(folder, 'tarballs');
    mkdirSync(out);
    for (const name of ['', '-linux-x64'])
      writeFileSync(join(out, `llava-onevision${name}-1.0.0.tgz`), '');
    expect(inOrder(out, '1.0.0', ['linux-x64']).map(({ name }) => name)).toEqual([
      ...['@llava-onevision/linux-x64', 'llava-onevision'],
    ]);
    expect(() => inOrder(out, '1.0.0', ['linux-x64', 'win32-x64'])).toThrow(
      'llava-onevision-win32-x64-1.0.0.tgz',
    );
  });

  test.each([
    ['1.2.3', false],
    ['1.2.3+a-b', false],
    ['1.2.3-beta.1', true],
    // What `npm version prerelease` makes.
    ['1.2.3-0', true],
  ])('%s is a prerelease: %s', (version, is) => expect(isPrerelease(version)).toBe(is));

  test('the release workflow builds every package', () => {
    const workflow = readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8');
    const built = [...workflow.matchAll(/package: ([\w-]+)/g)].map(([, name]) => name);
    const tried = [...workflow.matchAll(/gpu: ([\w-]+)/g)].map(([, name]) => name);
    expect(tried.sort()).toEqual([...platforms.GPU_PACKAGES].sort());
    expect(built.sort()).toEqual([...platforms.CPU_PACKAGES, ...platforms.GPU_PACKAGES].sort());
  });

  test('what is noted of a package is found beside its tarball', () => {
    const out = mkdtempSync(join(folder, 'notes-'));
    const note = { name: 'linux-x64', packed: 1, files: {}, seconds: 1, variants: [], toolkit: [] };
    writeNote(out, note);
    for (const file of [
      'sbom.json',
      'llava-onevision-1.0.0.tgz',
      'llava-onevision-linux-x64-1.0.0.tgz',
    ])
      writeFileSync(join(out, file), '');
    expect(readNotes(out)).toEqual([note]);
    expect(findTarball(out)).toBe(join(out, 'llava-onevision-1.0.0.tgz'));
    expect(findTarball(out, 'linux-x64')).toBe(join(out, 'llava-onevision-linux-x64-1.0.0.tgz'));
    expect(() => findTarball(out, 'linux')).toThrow('llava-onevision-linux-*.tgz');
  });

  test('a trial of a GPU package finds what is not said', () => {
    const failed = (missing: string) => ({
      code: 'ERR_BACKEND_UNAVAILABLE',
      message: 'm',
      missing,
    });
    const cpu = (reason: string) => ({ name: 'cpu', reason });
    const problem = (named: object, auto: object) => gpuProblem('linux-x64-cuda12', named, auto);
    const why = cpu('@llava-onevision/linux-x64-cuda12: libcublas.so.12: no such file');
    expect(problem(failed('driver'), why)).toBeUndefined();
    expect(problem(failed('package'), why)).toContain("missing is 'package'");
    expect(problem(failed('driver'), cpu('it was compiled here'))).toContain('does not say why');
    expect(problem(failed('driver'), { name: 'cuda', reason: '' })).toContain('not the CPU');
    expect(problem({ code: 'ERR_MODEL_LOAD', message: 'broken' }, why)).toBe('broken');
    expect(problem({ name: 'cuda' }, { name: 'cuda', reason: '' })).toBeUndefined();
    expect(problem({ name: 'cuda' }, why)).toContain("'auto' takes cpu");
  });

  test('sizes and times become a table', () => {
    const note = {
      name: 'b',
      packed: 2e6,
      files: { x: 3e6, y: 1e6 },
      seconds: 61.2,
      variants: ['v', 'w'],
      toolkit: [],
    };
    const lines = sizeTable([note, { ...note, name: 'a' }], 1e6).split('\n');
    expect(lines.slice(2)).toEqual([
      '| llava-onevision | 1.0 MB |  |  |  |',
      '| a | 2.0 MB | 4.0 MB | v, w | 61 s |',
      '| b | 2.0 MB | 4.0 MB | v, w | 61 s |',
    ]);
  });
});
