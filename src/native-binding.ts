/**
 * Finds the addon's file and loads it. The places, as backend.ts asks them: a path named by LLAVAOV_BINDING, a build made
 * here, the package of a GPU backend, the CPU package. A package holds one build for each kind of CPU; variants.json lists
 * them, best first, with what each needs, and cpu-features.node says what this CPU has. Knows nothing of devices.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { NativeBinding } from './binding.js';
import type { Platform } from './platform-packages.js';

/** What the search asks; tests give another machine. */
export interface Machine extends Platform {
  env: Readonly<Record<string, string | undefined>>;
  /** Of this package: its folder and version. */
  root: string;
  version: string;
  /** Folder of an installed package. */
  findPackage(name: string): string | undefined;
  /** Loads a .node file. @throws what the system's loader says */
  load(file: string): unknown;
  /** Whether the system's loader finds a shared library. */
  hasLibrary(name: string): boolean;
}

export interface Addon {
  binding: NativeBinding;
  file: string;
  /** Null for a build that comes from no package. */
  package: string | null;
  /** Which of a package's builds; null for any other. */
  variant: string | null;
}

/** A place that did not give the addon. */
export interface Attempt {
  place: string;
  problem: string;
  /** 'load' stands for a file that is there and cannot be loaded. */
  missing: 'package' | 'load' | 'backend' | 'device';
}

export type Outcome = Addon | Attempt;

export const isAddon = (outcome: Outcome): outcome is Addon => 'binding' in outcome;

interface Variant {
  file: string;
  name: string;
  needs: string[];
}

/** LLAVAOV_BINDING names a .node file or the folder of a platform package; undefined when it is not set. */
export function namedAddon(machine: Machine): Outcome | undefined {
  // The second name is that of node-gyp-build, which earlier versions used.
  const given = machine.env.LLAVAOV_BINDING ?? machine.env.LLAVA_ONEVISION_PREBUILD;
  if (!given) return undefined;
  const place = 'LLAVAOV_BINDING';
  const file = path.resolve(given);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return { place, problem: `${file} does not exist`, missing: 'package' };
  if (stats.isDirectory()) return loadFolder(machine, { place, folder: file, package: null });
  return loadFile(machine, { place, file, package: null, variant: null });
}

/** What scripts/build-native.mjs has made; undefined when nothing was built. */
export function localAddon(machine: Machine): Outcome | undefined {
  const file = path.join(machine.root, 'build', 'Release', 'llava-onevision.node');
  if (!existsSync(file)) return undefined;
  return loadFile(machine, { place: file, file, package: null, variant: null });
}

/** The options that a build was made with, which scripts/build-native.mjs leaves beside its product; null for any other. */
export function buildOptions(file: string): string[] | null {
  const note = file.replace(/\.node$/, '.json');
  if (!file.endsWith('.node') || !existsSync(note)) return null;
  return (readJson(note) as { options: string[] }).options;
}

export function packagedAddon(machine: Machine, name: string): Outcome {
  const folder = machine.findPackage(name);
  if (folder === undefined) return { place: name, problem: 'not installed', missing: 'package' };
  const { version } = readJson(path.join(folder, 'package.json')) as { version?: string };
  if (version !== machine.version) {
    const problem = `version ${version} is installed, but ${machine.version} belongs to this llava-onevision`;
    return { place: name, problem, missing: 'package' };
  }
  return loadFolder(machine, { place: name, folder, package: name });
}

function loadFolder(
  machine: Machine,
  { place, folder, ...from }: { place: string; folder: string; package: string | null },
): Outcome {
  const list = path.join(folder, 'variants.json');
  if (!existsSync(list)) return { place, problem: `${list} is not there`, missing: 'package' };
  const variants = readJson(list) as Variant[];
  const variant = chooseVariant(machine, folder, variants);
  if (typeof variant === 'string') return { place, problem: variant, missing: 'package' };
  const file = path.join(folder, variant.file);
  return loadFile(machine, { place, file, ...from, variant: variant.name });
}

/** The first build whose needs the CPU meets, or the one that LLAVAOV_CPU_VARIANT names; else what is wrong. */
function chooseVariant(machine: Machine, folder: string, variants: Variant[]): Variant | string {
  const wanted = machine.env.LLAVAOV_CPU_VARIANT;
  if (wanted) {
    const names = variants.map(({ name }) => name).join(', ');
    return (
      variants.find(({ name }) => name === wanted) ??
      `LLAVAOV_CPU_VARIANT is ${wanted}, but its builds are ${names}`
    );
  }
  const features = variants.some(({ needs }) => needs.length > 0)
    ? cpuFeatures(machine, folder)
    : [];
  return (
    variants.find(({ needs }) => needs.every((need) => features.includes(need))) ??
    'none of its builds runs on this CPU'
  );
}

/** Nothing where the probe does not load: the build for every CPU is then tried, and says why it does not load either. */
function cpuFeatures(machine: Machine, folder: string): string[] {
  try {
    const probe = machine.load(path.join(folder, 'cpu-features.node')) as {
      features(): string[];
    };
    return probe.features();
  } catch {
    return [];
  }
}

function loadFile(
  machine: Machine,
  { place, file, ...from }: { place: string } & Omit<Addon, 'binding'>,
): Outcome {
  try {
    return { binding: machine.load(file) as NativeBinding, file, ...from };
  } catch (error) {
    // Node's own text goes on with the modules that required the file.
    const problem = (error as Error).message.split('\n')[0]!;
    return { place, problem, missing: 'load' };
  }
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
