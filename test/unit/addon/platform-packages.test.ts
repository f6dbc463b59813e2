/** What the packages of platforms are called, and which of them this machine takes. */
import { describe, expect, it, vi } from 'vitest';
import {
  CPU_PACKAGES,
  GPU_PACKAGES,
  packagesFor,
  thisPlatform,
} from '../../../src/addon/platform-packages.js';

describe('the names of packages', () => {
  it.each([
    [{ platform: 'linux', arch: 'x64', libc: 'glibc' as const }, ['@llava-onevision/linux-x64']],
    [
      { platform: 'linux', arch: 'arm64', libc: 'musl' as const },
      ['@llava-onevision/linux-arm64-musl'],
    ],
    [{ platform: 'win32', arch: 'arm64', libc: null }, ['@llava-onevision/win32-arm64']],
    [{ platform: 'freebsd', arch: 'x64', libc: null }, []],
  ])('%j', (platform, names) => expect(packagesFor('cpu', platform)).toEqual(names));

  it('of GPU backends, best first', () => {
    const linux = { platform: 'linux', arch: 'x64', libc: 'glibc' as const };
    expect(packagesFor('cuda', linux)).toEqual([
      `@llava-onevision/linux-x64-cuda`,
      `@llava-onevision/linux-x64-cuda12`,
    ]);
    expect(packagesFor('cuda', { ...linux, libc: 'musl' })).toEqual([]);
    expect(packagesFor('metal', linux)).toEqual([]);
    const mac = { platform: 'darwin', arch: 'arm64', libc: null };
    expect(packagesFor('metal', mac)).toEqual(packagesFor('cpu', mac));
  });

  it('are each reached from some platform', () => {
    const reached = [...CPU_PACKAGES, ...GPU_PACKAGES].flatMap((name) => {
      const [platform, arch, libc] = name.split('-') as [string, string, string?];
      const where = { platform, arch, libc: libc === 'musl' ? ('musl' as const) : null };
      return (['cpu', 'cuda', 'vulkan'] as const).flatMap((one) => packagesFor(one, where));
    });
    expect(new Set(reached).size).toBe(CPU_PACKAGES.length + GPU_PACKAGES.length);
  });

  it.each([
    [{ glibcVersionRuntime: '2.36' }, 'glibc', '2.36', '@llava-onevision/linux-x64'],
    [{}, 'musl', undefined, `@llava-onevision/linux-x64-musl`],
  ])('tell the C library by Node’s report: %j', async (header, libc, version, name) => {
    const linux = vi.spyOn(process, 'report', 'get').mockReturnValue({
      ...process.report,
      getReport: () => ({ header }),
    } as typeof process.report);
    const before = Object.getOwnPropertyDescriptors(process);
    Object.defineProperties(process, { platform: { value: 'linux' }, arch: { value: 'x64' } });
    // What it found is kept.
    vi.resetModules();
    try {
      const fresh = await import('../../../src/addon/platform-packages.js');
      expect(fresh.glibcVersion()).toBe(version);
      expect(fresh.thisPlatform()).toEqual({ platform: 'linux', arch: 'x64', libc });
      expect(fresh.packagesFor('cpu', fresh.thisPlatform())).toEqual([name]);
    } finally {
      Object.defineProperties(process, { platform: before.platform, arch: before.arch });
      linux.mockRestore();
    }
  });

  it('tell the C library of this machine', () => {
    const { libc } = thisPlatform();
    expect(libc).toEqual(
      process.platform === 'linux' ? expect.stringMatching(/^(glibc|musl)$/) : null,
    );
  });
});
