import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fetchTarball, llamaSource, PIN } from '../../../../scripts/build/llama-source.mjs';

const root = mkdtempSync(join(tmpdir(), 'llama-source-'));
const silent = () => {};
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, text: string): string {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  return join(root, file);
}

/** A tarball made as the published one is: a git bundle of a small llama.cpp. */
function makeTarball() {
  const repository = join(root, 'repository');
  for (const name of ['include/llama.h', 'src/llama.cpp', 'docs/left-out.md', 'tools/mtmd/clip.h'])
    write(`repository/${name}`, `// ${name}\n`);
  const git = (...args: string[]) => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
    return execFileSync('git', ['-C', repository, ...identity, ...args], { encoding: 'utf8' });
  };
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'all');
  mkdirSync(join(root, 'package/llama'), { recursive: true });
  git('bundle', 'create', '--quiet', join(root, 'package/llama/gitRelease.bundle'), 'HEAD');
  execFileSync('cmake', ['-E', 'tar', 'czf', 'source.tgz', 'package'], { cwd: root });
  const tarball = join(root, 'source.tgz');
  const hash = createHash('sha512').update(readFileSync(tarball)).digest('base64');
  const pin = {
    package: 'node-llama-cpp',
    version: '1.0.0',
    tag: 'v1',
    integrity: `sha512-${hash}`,
  };
  return { tarball, pin: { ...pin, commit: git('rev-parse', 'HEAD').slice(0, 7) } };
}

describe('a tarball', () => {
  let made: ReturnType<typeof makeTarball>;
  beforeAll(() => {
    made = makeTarball();
  });
  const from = (parent: string, change: object = {}) =>
    llamaSource({
      source: made.tarball,
      parent: join(root, parent),
      pin: { ...made.pin, ...change },
      say: silent,
    });

  test('becomes a tree of what the build reads, once', () => {
    const tree = from('a');
    expect(readFileSync(join(tree, 'include/llama.h'), 'utf8')).toBe('// include/llama.h\n');
    expect(existsSync(join(tree, 'tools/mtmd/clip.h'))).toBe(true);
    expect(existsSync(join(tree, 'docs'))).toBe(false);
    expect(readdirSync(join(root, 'a'))).toEqual(['llama.cpp-v1']);
    write('a/llama.cpp-v1/kept', '');
    expect(from('a', { integrity: 'sha512-never-read-again' })).toBe(tree);
    expect(existsSync(join(tree, 'kept'))).toBe(true);
  });

  test('of other content is refused, with both hashes, and leaves nothing behind', () => {
    const change = () => from('b', { integrity: 'sha512-other' });
    expect(change).toThrow(made.pin.integrity);
    expect(change).toThrow('expected sha512-other');
    expect(readdirSync(join(root, 'b'))).toEqual([]);
  });

  test('of another commit is refused', () => {
    expect(() => from('c', { commit: 'abcdef0' })).toThrow(/expected abcdef0 \(v1\)/);
    expect(readdirSync(join(root, 'c'))).toEqual([]);
  });

  test('replaces a tree of another pin', () => {
    write('d/llama.cpp-v1/.llava-onevision-content', 'older');
    write('d/llama.cpp-v1/old-file', '');
    expect(existsSync(join(from('d'), 'old-file'))).toBe(false);
  });

  describe('with a patch', () => {
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const patchOf = (line: string, name = 'one.patch') => {
      const names = 'a/src/llama.cpp b/src/llama.cpp';
      const text = `diff --git ${names}\n--- a/src/llama.cpp\n+++ b/src/llama.cpp\n@@ -1 +1 @@\n-${line}\n+// ours\n`;
      return { file: pathToFileURL(write(name, text)).href, sha256: hash(text) };
    };
    const patched = (tree: string) => readFileSync(join(tree, 'src/llama.cpp'), 'utf8');

    test('has it, also where the folder is inside another repository', () => {
      const patches = [patchOf('// src/llama.cpp')];
      expect(patched(from('e', { patches }))).toBe('// ours\n');
      mkdirSync(join(root, 'f'));
      execFileSync('git', ['init', '--quiet'], { cwd: join(root, 'f') });
      expect(patched(from('f', { patches }))).toBe('// ours\n');
    });

    test('is made anew when the tree that is there has none, or another one', () => {
      expect(patched(from('g'))).toBe('// src/llama.cpp\n');
      const first = from('g', { patches: [patchOf('// src/llama.cpp')] });
      expect(patched(first)).toBe('// ours\n');
      expect(patched(from('g'))).toBe('// src/llama.cpp\n');
    });

    test('that does not fit, or is not the one named, is refused and leaves nothing behind', () => {
      const misfit = patchOf('// something else', 'misfit.patch');
      const other = { ...patchOf('// src/llama.cpp'), sha256: hash('other') };
      expect(() => from('h', { patches: [misfit] })).toThrow(
        /misfit\.patch does not fit llama\.cpp's source[\s\S]*patch failed/,
      );
      expect(() => from('h', { patches: [other] })).toThrow(/one\.patch is not the patch that/);
      expect(readdirSync(join(root, 'h'))).toEqual([]);
    });
  });
});

test('a tree of the user is taken as it is; one without llama.h is refused', () => {
  const header = write('mine/include/llama.h', '');
  const mine = dirname(dirname(header));
  expect(llamaSource({ source: mine })).toBe(mine);
  expect(() => llamaSource({ source: join(root, 'mine/include') })).toThrow(/no include\/llama\.h/);
  expect(() => llamaSource({ source: join(root, 'absent'), parent: root })).toThrow(
    /does not exist/,
  );
});

test('the patches named are those in the repository', () => {
  const folder = join(import.meta.dirname, '../../../../scripts/build/patches');
  const named = PIN.patches.map(({ file }: { file: string }) => file.replace('patches/', ''));
  expect(readdirSync(folder)).toEqual(named);
});

test('when npm fails its output is shown, with what to do', () => {
  const npm = write('npm-cli.js', "console.error('ENOTFOUND registry'); process.exit(1);");
  vi.stubEnv('npm_execpath', npm);
  const pin = { package: 'node-llama-cpp', version: '1.0.0', tag: 'v1' };
  const fetch = () => fetchTarball(root, pin, silent);
  expect(fetch).toThrow('ENOTFOUND registry');
  expect(fetch).toThrow('LLAVAOV_LLAMA_SRC');
  vi.unstubAllEnvs();
});
