/** Machines that are made up, for the search of the addon: folders are real, what loading a file gives is not. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { cpuVariants, gpuVariants } from '../../scripts/release/cpu-variants.mjs';
import { type BackendChoice, chooseBackend } from '../../src/addon/backend.js';
import type { Machine } from '../../src/addon/find-addon.js';
import type { NativeDevice } from '../../src/binding.js';
import type { LlavaError } from '../../src/errors.js';

export const VERSION = '1.2.3';
export const X64 = '@llava-onevision/linux-x64';
/** The lists that packages have. */
const listed = (variants: { name: string; needs: string[] }[]) =>
  variants.map(({ name, needs }) => ({ file: `llava-onevision.${name}.node`, name, needs }));
const VARIANTS = listed(cpuVariants('linux', 'x64'));
const GPU_VARIANTS = listed(gpuVariants('linux', 'x64'));
export const V2 = ['sse42'];
export const V3 = [...V2, 'avx', 'f16c', 'fma', 'bmi2', 'avx2'];
export const V4 = [...V3, 'avx512f', 'avx512cd', 'avx512bw', 'avx512dq', 'avx512vl'];

export let folder: string;
/** What loading a file gives, by its name's last two parts; a string is what the loader says instead. */
export let files: Map<string, unknown>;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'llavaov-backend-'));
  files = new Map();
});
afterEach(() => rmSync(folder, { recursive: true }));

export function addon(...gpus: string[]) {
  const device = (backend: string): NativeDevice => ({
    ...{ name: `${backend}0`, description: '', backend, memoryFree: 1, memoryTotal: 1 },
    type: backend === 'CPU' ? 'cpu' : 'gpu',
  });
  return {
    devices: () => ['CPU', ...gpus].map(device),
    buildInfo: () => ({ backends: ['CPU', ...gpus] }),
  };
}

/** Compiled with a backend whose device is not there. */
export const withoutDevice = (backend: string) => ({
  ...addon(),
  buildInfo: () => ({ backends: ['CPU', backend] }),
});

export function put(file: string, loads: unknown) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '');
  files.set(file, loads);
}

/** Where a package has its builds: <folder of the package>/prebuilds/linux-x64. */
export function buildsOf(home: string): string {
  const [platform, arch] = path.basename(home).split('-');
  return path.join(home, 'prebuilds', `${platform}-${arch}`);
}

/** @param loads what every build of the package gives */
export function install(name: string, loads: unknown, { version = VERSION } = {}) {
  const variants = /cuda|vulkan/.test(name) ? GPU_VARIANTS : VARIANTS;
  const home = path.join(folder, 'node_modules', name);
  const builds = buildsOf(home);
  for (const { file } of variants) put(path.join(builds, file), loads);
  writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name, version }));
  writeFileSync(path.join(builds, 'variants.json'), JSON.stringify(variants));
  put(path.join(builds, 'cpu-features.node'), { features: () => V3 });
  return home;
}

export function compileHere(loads: unknown) {
  const file = path.join(folder, 'build/Release/llava-onevision.node');
  put(file, loads);
  return file;
}

export function machine(changes: Partial<Machine> = {}): Machine {
  return {
    ...{ platform: 'linux', arch: 'x64', libc: 'glibc', env: {}, version: VERSION, root: folder },
    findPackage: (name) => {
      const home = path.join(folder, 'node_modules', name);
      return existsSync(home) ? home : undefined;
    },
    load: (file) => {
      const loads = files.get(file);
      if (typeof loads === 'string') throw new Error(loads);
      if (loads === undefined) throw new Error(`${file}: cannot open shared object file`);
      return loads;
    },
    hasLibrary: () => true,
    ...changes,
  };
}

export const choose = (choice: BackendChoice, changes: Partial<Machine> = {}) =>
  chooseBackend(choice, machine(changes)).info;

export function failure(choice: BackendChoice, changes: Partial<Machine> = {}): LlavaError {
  try {
    choose(choice, changes);
  } catch (error) {
    return error as LlavaError;
  }
  throw new Error('nothing was thrown');
}
