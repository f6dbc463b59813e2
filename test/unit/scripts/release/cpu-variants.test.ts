import { expect, it } from 'vitest';
import { cpuVariants, gpuVariants } from '../../../../scripts/release/cpu-variants.mjs';

interface Variant {
  name: string;
  needs: string[];
}
const PLATFORMS = ['linux', 'darwin', 'win32'].flatMap((platform) =>
  ['x64', 'arm64'].map((arch) => [platform, arch] as const),
);
const choose = (platform: string, arch: string, features: string[]) =>
  (cpuVariants(platform, arch) as Variant[]).find(({ needs }) =>
    needs.every((need) => features.includes(need)),
  )?.name;
const V3 = ['sse42', 'avx', 'f16c', 'fma', 'bmi2', 'avx2'];
const V4 = [...V3, 'avx512f', 'avx512cd', 'avx512bw', 'avx512dq', 'avx512vl'];

it.each(PLATFORMS)('%s-%s: nothing comes after a build that needs less', (platform, arch) => {
  const variants: Variant[] = cpuVariants(platform, arch);
  expect(variants.length).toBeGreaterThan(1);
  variants.forEach(({ needs }, i) => {
    for (const later of variants.slice(i + 1))
      expect(needs.every((need) => later.needs.includes(need))).toBe(false);
  });
  expect(gpuVariants(platform, arch)).toHaveLength(1);
});

it.each([
  ['Nehalem', ['sse42'], 'x64-v2'],
  ['Haswell', V3, 'x64-v3'],
  ['Alder Lake', [...V3, 'avxvnni', 'gfni'], 'x64-v3-vnni'],
  ['Skylake-SP', V4, 'x64-v4'],
  ['Ice Lake', [...V4, 'avx512vbmi', 'avx512vnni', 'gfni'], 'x64-v4-vnni'],
  ['Cooper Lake', [...V4, 'avx512vnni', 'avx512bf16'], 'x64-v4-vnni'],
  ['Zen 4', [...V4, 'avx512vbmi', 'avx512vnni', 'avx512bf16', 'gfni'], 'x64-v4-bf16'],
  [
    'Sapphire Rapids',
    [
      ...[...V4, 'avx512vbmi', 'avx512vnni', 'avx512bf16', 'avxvnni', 'gfni'],
      ...['amx_tile', 'amx_int8', 'amx_bf16'],
    ],
    'x64-amx',
  ],
  ['Core 2', ['ssse3'], undefined],
])('%s', (_, features, name) => {
  expect(choose('linux', 'x64', features)).toBe(name);
});

it('every Mac with an ARM CPU has dotprod and fp16', () => {
  expect(choose('darwin', 'arm64', [])).toBe('arm64-v8.2');
});
