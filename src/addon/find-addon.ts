/**
 * Finds the addon's file and loads it. The places, as backend.ts asks them: a path named by LLAVAOV_BINDING, a build made
 * here, the package of a GPU backend, the CPU package. A package holds one build for each kind of CPU, where prebuildify puts
 * them; variants.json lists them, best first, with what each needs, and cpu-features.node says what this CPU has. Knows
 * nothing of devices.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { NativeBinding } from '../binding.js';
import { isThere } from '../files/is-there.js';
import type { Platform } from './platform-packages.js';

const NAMED = 'LLAVAOV_BINDING';

/** What the search asks; tests give another machine. */
export interface Machine extends Platform {
  env: Readonly<Record<string, string | undefined>>;
  /** This package's folder. */
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
  fault: Fault;
}

/**
 * absent: nothing is there. broken: of another version or incomplete, so that installing it again helps. cpu: no build
 * for this CPU. load: the system's loader refuses the file. backend: it lacks the GPU backend asked for. driver, device:
 * it has the backend, which does not find these.
 */
export type Fault = 'absent' | 'broken' | 'cpu' | 'load' | 'backend' | 'driver' | 'device';

export type Outcome = Addon | Attempt;

export const isAddon = (outcome: Outcome): outcome is Addon => 'binding' in outcome;

interface Variant {
  file: string;
  name: string;
  needs: string[];
}

/** LLAVAOV_BINDING names a .node file or the folder of a platform package; undefined when it is not set. */
export function namedAddon(machine: Machine): Outcome | undefined {
  const given = machine.env.LLAVAOV_BINDING;
  if (!given) return undefined;
  const file = path.resolve(given);
  if (!isThere(file)) return { place: NAMED, problem: `${file} does not exist`, fault: 'absent' };
  if (statSync(file).isDirectory())
    return loadFolder(machine, { place: NAMED, folder: file, package: null });
  return loadFile(machine, { place: NAMED, file, package: null, variant: null });
}

/** What scripts/build/build-native.mjs has made; undefined when nothing was built. */
export function localAddon(machine: Machine): Outcome | undefined {
  const file = localFile(machine);
  if (!isThere(file)) return undefined;
  return loadFile(machine, { place: file, file, package: null, variant: null });
}

export function localFile({ root }: Machine): string {
  return path.join(root, 'build', 'Release', 'llava-onevision.node');
}

/** The options that a build was made with, which scripts/build/build-native.mjs leaves beside its product; null where that note
 *  is not there or cannot be read. */
export function buildOptions(file: string): string[] | null {
  const note = file.replace(/\.node$/, '.json');
  if (!file.endsWith('.node') || !isThere(note)) return null;
  const stamp = readJson(note);
  const { options } = (stamp instanceof Error ? {} : stamp) as { options?: unknown };
  return isListOfStrings(options) ? options : null;
}

export function packagedAddon(machine: Machine, name: string): Outcome {
  const folder = machine.findPackage(name);
  if (folder === undefined) return { place: name, problem: 'not installed', fault: 'absent' };
  const broken = (problem: string): Attempt => ({ place: name, problem, fault: 'broken' });
  const manifest = readJson(path.join(folder, 'package.json'));
  if (manifest instanceof Error) return broken(manifest.message);
  const { version } = manifest as { version?: string };
  if (version !== machine.version)
    return broken(
      `version ${version} is installed, but ${machine.version} belongs to this llava-onevision`,
    );
  return loadFolder(machine, { place: name, folder, package: name });
}

function loadFolder(
  machine: Machine,
  { place, folder: home, ...from }: { place: string; folder: string; package: string | null },
): Outcome {
  const folder = path.join(home, 'prebuilds', `${machine.platform}-${machine.arch}`);
  const variants = readVariants(path.join(folder, 'variants.json'));
  if (variants instanceof Error) return { place, problem: variants.message, fault: 'broken' };
  const variant = chooseVariant(machine, folder, variants);
  if ('fault' in variant) return { place, ...variant };
  const file = path.join(folder, variant.file);
  return loadFile(machine, { place, file, ...from, variant: variant.name });
}

function readVariants(file: string): Variant[] | Error {
  const list = readJson(file);
  if (list instanceof Error) return list;
  const isVariant = (one: Partial<Variant> | null) =>
    typeof one?.file === 'string' && typeof one.name === 'string' && isListOfStrings(one.needs);
  const isList = Array.isArray(list) && list.length > 0 && list.every(isVariant);
  return isList ? list : new Error(`${file} is not a list of builds`);
}

/** The first build whose needs the CPU meets, or the one that LLAVAOV_CPU_VARIANT names. */
function chooseVariant(
  machine: Machine,
  folder: string,
  variants: Variant[],
): Variant | Omit<Attempt, 'place'> {
  const wanted = machine.env.LLAVAOV_CPU_VARIANT;
  if (wanted) {
    const names = variants.map(({ name }) => name).join(', ');
    const problem = `LLAVAOV_CPU_VARIANT is ${wanted}, but its builds are ${names}`;
    return variants.find(({ name }) => name === wanted) ?? { problem, fault: 'cpu' };
  }
  const isAsked = variants.some(({ needs }) => needs.length > 0);
  const features = isAsked ? cpuFeatures(machine, path.join(folder, 'cpu-features.node')) : [];
  if ('fault' in features) return features;
  const problem = 'none of its builds runs on this CPU';
  return (
    variants.find(({ needs }) => needs.every((need) => features.includes(need))) ?? {
      problem,
      fault: 'cpu',
    }
  );
}

/** Where the probe does not load, neither would the builds beside it: its own failure says why. */
function cpuFeatures(machine: Machine, probe: string): string[] | Omit<Attempt, 'place'> {
  if (!isThere(probe)) return { problem: `${probe} is not there`, fault: 'broken' };
  try {
    return (machine.load(probe) as { features(): string[] }).features();
  } catch (error) {
    return { problem: firstLine(error), fault: 'load' };
  }
}

function loadFile(
  machine: Machine,
  { place, file, ...from }: { place: string } & Omit<Addon, 'binding'>,
): Outcome {
  if (!isThere(file)) return { place, problem: `${file} is not there`, fault: 'broken' };
  try {
    const binding = machine.load(file) as NativeBinding;
    if (typeof binding.buildInfo === 'function') return { binding, file, ...from };
    return { place, problem: `${file} is not an addon of llava-onevision`, fault: 'broken' };
  } catch (error) {
    return { place, problem: firstLine(error), fault: 'load' };
  }
}

/** Node's own text goes on with the modules that required the file. */
function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0]!;
}

/** What is in the file, an object or array; else an error that names it. */
function readJson(file: string): object | Error {
  if (!isThere(file)) return new Error(`${file} is not there`);
  try {
    const value = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null) return value;
    return new Error(`${file} cannot be read: it holds ${JSON.stringify(value)}`);
  } catch (error) {
    return new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
