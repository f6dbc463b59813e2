/** What the scripts that pack and publish decide. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { cpuVariants, gpuVariants } from '../../../scripts/release/cpu-variants.mjs';
import { findTarball, readNotes, writeNote } from '../../../scripts/release/notes.mjs';
import { unpack } from '../../../scripts/release/npm.mjs';
import { repositoryOf, withPlatforms } from '../../../scripts/release/pack-main.mjs';
import {
  aboveLimit,
  buildsFolder,
  packPlatform,
  parsePlatform,
  sizesIn,
  stagePlatform,
} from '../../../scripts/release/pack-platform.mjs';
import { inOrder, isPrerelease } from '../../../scripts/release/publish.mjs';
import { sizeTable } from '../../../scripts/release/sizes.mjs';
import {
  aboveFloor,
  compareVersions,
  parseFloor,
  symbolFloor,
} from '../../../scripts/release/symbol-floor.mjs';
import { gpuProblem } from '../../../scripts/release/try-packages.mjs';
import { buildOptions } from '../../../src/addon/find-addon.js';
import * as platforms from '../../../src/addon/platform-packages.js';
import { skipUnless } from '../../support/skip-unless.js';
import { writeLlamaTree, writeToolkits } from '../../support/toolkits.js';

const folder = mkdtempSync(join(tmpdir(), 'llavaov-packaging-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ROOT = join(import.meta.dirname, '../../..');

describe('a package of a platform', () => {
  test.each([
    ['linux-x64', { platform: 'linux', arch: 'x64', libc: 'glibc', backend: undefined }],
    ['linux-arm64-musl', { platform: 'linux', arch: 'arm64', libc: 'musl', backend: undefined }],
    ['win32-x64-cuda12', { platform: 'win32', arch: 'x64', libc: undefined, backend: 'cuda12' }],
    ['linux-x64-vulkan', { platform: 'linux', arch: 'x64', libc: 'glibc', backend: 'vulkan' }],
  ])('is read from its name: %s', (name, parts) => expect(parsePlatform(name)).toEqual(parts));

  const inX64 = (from: string) => buildsFolder(from, { platform: 'linux', arch: 'x64' });

  /** What build-prebuilds.mjs makes, but empty. */
  function build(name: string): string {
    const { platform, arch, backend } = parsePlatform(name);
    const variants: { name: string; needs: string[] }[] = (backend ? gpuVariants : cpuVariants)(
      platform,
      arch,
    );
    const from = mkdtempSync(join(folder, 'built-'));
    const builds = buildsFolder(from, { platform, arch });
    mkdirSync(builds, { recursive: true });
    const list = variants.map((one) => ({ file: `llava-onevision.${one.name}.node`, ...one }));
    for (const file of [...list.map((one) => one.file), 'cpu-features.node'])
      writeFileSync(join(builds, file), '');
    writeFileSync(join(builds, 'variants.json'), JSON.stringify(list));
    return from;
  }

  beforeEach(() => {
    vi.stubEnv('LLAVAOV_LLAMA_SRC', writeLlamaTree(join(folder, 'llama')));
    for (const [variable, sdk] of Object.entries(writeToolkits(join(folder, 'toolkits'))))
      vi.stubEnv(variable, sdk);
    return () => vi.unstubAllEnvs();
  });

  test.each([...platforms.CPU_PACKAGES, ...platforms.GPU_PACKAGES])(
    'is packed of the builds that are planned for it: %s',
    (name) => {
      const content = mkdtempSync(join(folder, 'staged-'));
      stagePlatform(name, build(name), content);
      const { backend, arch, platform } = parsePlatform(name);
      const builds = join(content, 'prebuilds', `${platform}-${arch}`);
      const { needs } = JSON.parse(readFileSync(join(builds, 'variants.json'), 'utf8')).at(-1);
      expect(needs.length > 0).toBe(arch === 'x64' || backend !== undefined);
      // All but the very plainest ask what the CPU has.
      expect(existsSync(join(builds, 'cpu-features.node'))).toBe(true);
      const { version, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      const manifest = JSON.parse(readFileSync(join(content, 'package.json'), 'utf8'));
      expect(manifest).toMatchObject({ name: `${platforms.SCOPE}/${name}`, version, engines });
      expect(existsSync(join(content, 'LICENSES'))).toBe(true);
    },
  );

  test('is a tarball of all that', () => {
    const to = mkdtempSync(join(folder, 'packed-'));
    const content = unpack(packPlatform('linux-x64-cuda', build('linux-x64-cuda'), to), to);
    expect(Object.keys(sizesIn(content)).sort()).toEqual([
      ...['LICENSES', 'README.md', 'package.json'],
      ...['cpu-features.node', 'llava-onevision.x64-v3.node', 'variants.json'].map(
        (file) => `prebuilds/linux-x64/${file}`,
      ),
    ]);
  }, 30_000);

  test.each([
    ['no list', undefined, 'variants.json does not exist'],
    ['an empty list', [], 'has no build for CPUs of linux-x64'],
    ['a build that is absent', [{ file: 'a.node', name: 'a', needs: [] }], 'a.node'],
    [
      'no build for old CPUs',
      [{ file: 'a.node', name: 'a', needs: ['sse42', 'avx2'] }],
      'without avx2',
    ],
  ])('is not packed with %s', (name, variants, message) => {
    const from = join(folder, name);
    mkdirSync(inX64(from), { recursive: true });
    if (variants) writeFileSync(join(inX64(from), 'variants.json'), JSON.stringify(variants));
    expect(() => packPlatform('linux-x64', from, folder)).toThrow(message);
  });

  test.each(['linux-x64', 'linux-x64-cuda'])('is not packed without the probe: %s', (name) => {
    const from = build(name);
    rmSync(join(inX64(from), 'cpu-features.node'));
    expect(() => packPlatform(name, from, folder)).toThrow('cpu-features.node');
  });

  test('is not packed where it is too large', () => {
    const from = build('linux-x64');
    writeFileSync(join(inX64(from), 'llava-onevision.x64-v2.node'), new Uint8Array(41e6));
    const to = mkdtempSync(join(folder, 'large-'));
    expect(() => packPlatform('linux-x64', from, to)).toThrow('41.0 MB installed');
    expect(() => findTarball(to, 'linux-x64')).toThrow('no tarball');
    const large = { packed: 16e6, installed: 30e6 };
    expect(aboveLimit('linux-x64', large)).toContain('16.0 MB packed; the limit is 15.0 MB');
    expect(aboveLimit('linux-x64', { packed: 14e6, installed: 39e6 })).toBeUndefined();
    expect(aboveLimit('linux-x64-cuda', large)).toBeUndefined();
  }, 30_000);
});

describe('the published manifest', () => {
  test('keeps what it has but scripts, and names the platform packages', () => {
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
    expect(manifest).not.toHaveProperty('scripts');
  });

  test('asks for a Node that loads ES modules by require', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    // Not 21, nor 22 before 22.12, which do so behind a flag only.
    expect(engines.node).toBe('^20.19.0 || >=22.12.0');
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

  test('libraries of a GPU are those of the package’s own backend', () => {
    const needs = (...needed: string[]) => ({ needed: ['libc.so.6', ...needed] });
    const cuda13 = needs('libcublas.so.13', 'libcublasLt.so.13');
    expect(aboveFloor(cuda13, 'cuda')).toEqual([]);
    expect(aboveFloor(needs('libcublas.so.12'), 'cuda12')).toEqual([]);
    expect(aboveFloor(cuda13, 'cuda12')).toHaveLength(2);
    expect(aboveFloor(cuda13)).toHaveLength(2);
    expect(aboveFloor(needs('libvulkan.so.1'), 'vulkan')).toEqual([]);
    expect(aboveFloor(needs('libvulkan.so.1'), 'cuda')).toHaveLength(1);
    // Would keep the package from loading where there is no driver.
    expect(aboveFloor(needs('libcuda.so.1'), 'cuda')).toHaveLength(1);
    expect(aboveFloor(needs('libcudart.so.13'), 'cuda')).toHaveLength(1);
    expect(aboveFloor({ ...needs(), GLIBC: '2.35' }, 'vulkan')).toEqual([]);
    expect(aboveFloor({ ...needs(), GLIBC: '2.35' }, 'cuda')).toHaveLength(1);
  });

  const addon = join(ROOT, 'build/Release/llava-onevision.node');
  const isHere = process.platform === 'linux' && existsSync(addon);
  test(
    'of the local build is this one',
    skipUnless(isHere, 'needs Linux and an addon compiled here'),
    () => {
      const { needed, GLIBC } = symbolFloor(addon);
      const own = platforms.glibcVersion();
      if (own !== undefined) expect(compareVersions(GLIBC, own)).toBeLessThanOrEqual(0);
      // Nothing beyond what the toolchain itself and a GPU's toolkit bring.
      const backend = ['cuda', 'vulkan'].find((one) => buildOptions(addon)?.includes(`--${one}`));
      expect(aboveFloor({ needed }, backend)).toEqual([]);
    },
  );
});
