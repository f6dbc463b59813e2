/** A package of a platform: what it is packed of, and when it is not. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { cpuVariants, gpuVariants } from '../../../../scripts/release/cpu-variants.mjs';
import { findTarball } from '../../../../scripts/release/notes.mjs';
import { unpack } from '../../../../scripts/release/npm.mjs';
import {
  aboveLimit,
  buildsFolder,
  packPlatform,
  parsePlatform,
  sizesIn,
  stagePlatform,
} from '../../../../scripts/release/pack-platform.mjs';
import * as platforms from '../../../../src/addon/platform-packages.js';
import { writeLlamaTree, writeToolkits } from '../../../support/toolkits.js';

const folder = mkdtempSync(join(tmpdir(), 'llavaov-packaging-'));

afterAll(() => rmSync(folder, { recursive: true }));

const ROOT = join(import.meta.dirname, '../../../..');

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
  }, 240_000);

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
  }, 240_000);
});
