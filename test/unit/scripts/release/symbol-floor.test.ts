/** The oldest system that a build runs on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  aboveFloor,
  compareVersions,
  parseFloor,
  symbolFloor,
} from '../../../../scripts/release/symbol-floor.mjs';
import { buildOptions } from '../../../../src/addon/find-addon.js';
import * as platforms from '../../../../src/addon/platform-packages.js';
import { skipUnless } from '../../../support/skip-unless.js';

const ROOT = join(import.meta.dirname, '../../../..');

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
