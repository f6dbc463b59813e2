/** What the scripts that pack and publish decide. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { licenceFile, licences } from '../../scripts/licences.mjs';
import { repositoryOf, withPlatforms } from '../../scripts/pack-main.mjs';
import { packPlatform, parsePlatform } from '../../scripts/pack-platform.mjs';
import { distTag, inOrder } from '../../scripts/release/publish.mjs';
import { sizeTable } from '../../scripts/release/sizes.mjs';
import {
  aboveFloor,
  compareVersions,
  parseFloor,
  symbolFloor,
} from '../../scripts/symbol-floor.mjs';
import * as platforms from '../../src/platform-packages.js';

const folder = mkdtempSync(join(tmpdir(), 'llavaov-packaging-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ROOT = join(import.meta.dirname, '../..');

describe('a package of a platform', () => {
  test.each([
    ['linux-x64', { platform: 'linux', arch: 'x64', libc: 'glibc', backend: undefined }],
    ['linux-arm64-musl', { platform: 'linux', arch: 'arm64', libc: 'musl', backend: undefined }],
    ['win32-x64-cuda12', { platform: 'win32', arch: 'x64', libc: undefined, backend: 'cuda12' }],
    ['linux-x64-vulkan', { platform: 'linux', arch: 'x64', libc: 'glibc', backend: 'vulkan' }],
  ])('is read from its name: %s', (name, parts) => expect(parsePlatform(name)).toEqual(parts));

  test.each([
    ['no list', undefined, 'variants.json does not exist'],
    ['a build that is absent', [{ file: 'a.node', name: 'a', needs: [] }], 'a.node'],
    ['no build for every CPU', [{ file: 'a.node', name: 'a', needs: ['avx2'] }], 'not every CPU'],
  ])('is not packed with %s', (name, variants, message) => {
    const from = join(folder, name);
    mkdirSync(from);
    if (variants) writeFileSync(join(from, 'variants.json'), JSON.stringify(variants));
    expect(() => packPlatform('linux-x64', from, folder)).toThrow(message);
  });
});

describe('the published manifest', () => {
  test('keeps what it has and names the platform packages', () => {
    const given = {
      version: '1.2.3',
      scripts: { install: 'i', test: 't' },
      peerDependencies: { x: '1' },
    };
    const manifest = withPlatforms(given, platforms, {});
    expect(manifest.optionalDependencies['@llava-onevision/linux-x64']).toBe('1.2.3');
    expect(manifest.peerDependencies).toMatchObject({
      x: '1',
      '@llava-onevision/linux-x64-cuda': '1.2.3',
    });
    expect(manifest.peerDependenciesMeta['@llava-onevision/linux-x64-cuda'].optional).toBe(true);
    expect(manifest.scripts).toEqual({ install: 'i' });
  });

  test('names the repository of the workflow', () => {
    const env = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'a/b' };
    expect(repositoryOf(env).repository?.url).toBe('git+https://github.com/a/b.git');
    expect(repositoryOf({})).toEqual({});
  });
});

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
    ['1.2.3', 'latest'],
    ['1.2.3-beta.1', 'beta'],
  ])('%s as %s', (version, tag) => expect(distTag(version)).toBe(tag));

  test('the release workflow builds every package', () => {
    const workflow = readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8');
    const built = [...workflow.matchAll(/package: ([\w-]+)/g)].map(([, name]) => name);
    expect(built.sort()).toEqual([...platforms.CPU_PACKAGES, ...platforms.GPU_PACKAGES].sort());
  });

  test('sizes and times become a table', () => {
    const note = {
      name: 'b',
      packed: 2e6,
      files: { x: 3e6, y: 1e6 },
      seconds: 61.2,
      variants: ['v', 'w'],
    };
    const lines = sizeTable([note, { ...note, name: 'a' }], 1e6).split('\n');
    expect(lines.slice(2)).toEqual([
      '| llava-onevision | 1.0 MB |  |  |  |',
      '| a | 2.0 MB | 4.0 MB | v, w | 61 s |',
      '| b | 2.0 MB | 4.0 MB | v, w | 61 s |',
    ]);
  });
});

describe('the licences', () => {
  const tree = join(folder, 'llama');
  const write = (file: string, text: string) => {
    mkdirSync(join(tree, file, '..'), { recursive: true });
    writeFileSync(join(tree, file), text);
  };

  test('are those of sources that are compiled in, each once', () => {
    write('LICENSE', 'MIT, the authors');
    write('src/a.cpp', '// Copyright 2020 A\n// MIT licensed\n\nint a;\n');
    write('ggml/include/ggml-sycl.h', '// Copyright 2020 S\n');
    write('ggml/src/b.c', '/* Copyright (c) 2020 B */\n// nothing of interest\n');
    write('ggml/src/ggml-cpu/c.cpp', '// Copyright 2020 A\n// MIT licensed\n');
    write('ggml/src/ggml-cuda/d.cu', '// Copyright 2020 D\n');
    const names = (backend?: string) => licences({ backend, tree }).map(({ name }) => name);
    expect(names()).toEqual([
      ...['llava-onevision', 'llama.cpp and ggml', 'src/a.cpp, ggml/src/ggml-cpu/c.cpp'],
      ...['ggml/src/b.c', 'node-addon-api', 'node-api-headers'],
    ]);
    expect(names('cuda')).toContain('ggml/src/ggml-cuda/d.cu');
    expect(licenceFile({ tree })).toContain('Copyright 2020 A\nMIT licensed');
  });

  test('that are missing are an error', () => {
    expect(() => licences({ tree: join(folder, 'absent') })).toThrow('LICENSE does not exist');
    expect(() => licences({ tree, backend: 'vulkan' })).toThrow('ggml-vulkan');
  });
});

describe('the lowest system', () => {
  const READELF = `
 0x0000000000000001 (NEEDED)             Shared library: [libm.so.6]
  0x0010:   Name: GLIBC_2.9  Flags: none  Version: 5
  0x0020:   Name: GLIBC_2.28  Flags: none  Version: 4
  0x0030:   Name: GLIBCXX_3.4.21  Flags: none  Version: 3
  0x0040:   Name: GLIBC_PRIVATE  Flags: none  Version: 3`;

  test('is read from the versions of symbols', () => {
    expect(parseFloor(READELF)).toEqual({
      GLIBC: '2.28',
      GLIBCXX: '3.4.21',
      needed: ['libm.so.6'],
    });
    expect(compareVersions('2.9', '2.28')).toBeLessThan(0);
    expect(compareVersions('3.4', '3.4.1')).toBeLessThan(0);
    expect(compareVersions('2.28', '2.28')).toBe(0);
  });

  test('is held against what is promised', () => {
    expect(aboveFloor(parseFloor(READELF))).toEqual([]);
    const newer = READELF.replace('2.28', '2.34').replace('libm.so.6', 'libgomp.so.1');
    expect(aboveFloor(parseFloor(newer))).toEqual([
      'asks for GLIBC_2.34, promised is 2.28',
      'needs libgomp.so.1, which a system may lack',
    ]);
  });

  const addon = join(ROOT, 'build/Release/llava-onevision.node');
  test.runIf(process.platform === 'linux' && existsSync(addon))(
    'of the local build is this one',
    () => {
      const { needed, GLIBC } = symbolFloor(addon);
      const own = platforms.glibcVersion();
      if (own !== undefined) expect(compareVersions(GLIBC, own)).toBeLessThanOrEqual(0);
      // Nothing beyond what the toolchain itself brings.
      const foreign = aboveFloor({ needed });
      expect(foreign).toEqual([]);
    },
  );
});
