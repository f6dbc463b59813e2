/** What `doctor` finds out; must not fail on a machine where nothing else works. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { type NativeDevice, native } from '../binding.js';
import { machineMemory } from '../memory.js';
import { PACKAGE_ROOT, packageVersion } from '../package-root.js';

export interface AddonReport {
  path: string;
  /** Prebuilt, or compiled here with which options. */
  origin: string;
  compiler: string;
  llama: string;
  ggml: string;
  commit: string;
  backends: string[];
  devices: NativeDevice[];
  /** Instruction sets in use and compile-time choices, as llama.cpp names them. */
  cpuFeatures: string[];
  /** Also the default number of threads. */
  physicalCores: number;
}

export interface DoctorReport {
  versions: { package: string; node: string };
  platform: string;
  cpu: { model: string; logicalCores: number };
  /** In bytes; `total` is the container's limit where there is one. */
  memory: { total: number; free: number };
  addon: AddonReport | { error: string };
}

export function examine(): DoctorReport {
  return {
    versions: { package: packageVersion(), node: process.versions.node },
    platform: `${process.platform}-${process.arch} (${os.type()} ${os.release()})`,
    cpu: {
      model: os.cpus()[0]?.model.trim() ?? 'unknown',
      logicalCores: os.availableParallelism(),
    },
    memory: { total: machineMemory(), free: os.freemem() },
    addon: examineAddon(),
  };
}

function examineAddon(): DoctorReport['addon'] {
  try {
    const binding = native();
    const build = binding.buildInfo();
    const file = createRequire(import.meta.url)('node-gyp-build').path(PACKAGE_ROOT) as string;
    return {
      path: file,
      origin: describeOrigin(file),
      compiler: build.compiler,
      llama: build.llamaVersion,
      ggml: build.ggmlVersion,
      commit: build.ggmlCommit,
      backends: build.backends,
      devices: binding.devices(),
      cpuFeatures: parseFeatures(build.systemInfo),
      physicalCores: binding.physicalCores(),
    };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** scripts/build-native.mjs leaves the options of the build beside its product. */
function describeOrigin(addon: string): string {
  if (addon.includes(`${path.sep}prebuilds${path.sep}`)) return 'prebuilt';
  const note = addon.replace(/\.node$/, '.json');
  if (!existsSync(note)) return 'compiled here';
  const { options } = JSON.parse(readFileSync(note, 'utf8')) as { options: string[] };
  return `compiled here with ${options.length > 0 ? options.join(' ') : 'the default options'}`;
}

/** "CPU : AVX2 = 1 | FMA = 0 | LLAMAFILE = 1 |" to the names that are on; values other than 1 are kept. */
export function parseFeatures(systemInfo: string): string[] {
  return [...systemInfo.matchAll(/(\w+) = (\w+)/g)]
    .filter(([, , value]) => value !== '0')
    .map(([, name, value]) => (value === '1' ? name! : `${name}=${value}`));
}
