/** What to tell when no addon can be had: what was tried, why it failed, and the command that helps. */
import path from 'node:path';
import { LlavaError } from '../errors.js';
import type { Attempt, Fault, Machine } from './find-addon.js';
import { type GpuBackend, packagesFor, platformName } from './platform-packages.js';

/** What the driver of a backend brings into the system's library path. */
const DRIVER_LIBRARIES: Record<string, Partial<Record<GpuBackend, string>>> = {
  linux: { cuda: 'libcuda.so.1', vulkan: 'libvulkan.so.1' },
  win32: { cuda: 'nvcuda.dll', vulkan: 'vulkan-1.dll' },
};

/** The library of a backend's driver, and whether it is there; null where the system always has it. */
export function driverLibrary(
  backend: GpuBackend,
  machine: Machine,
): { name: string; isThere: boolean } | null {
  const name = DRIVER_LIBRARIES[machine.platform]?.[backend];
  return name === undefined ? null : { name, isThere: machine.hasLibrary(name) };
}

export function noAddon(machine: Machine, attempts: readonly Attempt[]): LlavaError {
  const where = `${platformName(machine)}, Node ${process.versions.node}`;
  return new LlavaError(
    'ERR_BINDING_NOT_FOUND',
    [
      `No native addon of llava-onevision ${machine.version} could be loaded (${where}). Tried:`,
      ...(attempts.length > 0
        ? listed(attempts)
        : [`  nothing: there is no package for this platform`]),
      ...hints(attempts, machine),
      'What helps:',
      ...(isNamed(machine) ? ['  another addon in LLAVAOV_BINDING, or none; then'] : []),
      ...installLines(machine, attempts),
      `  ${buildCommand(machine)}    (compiles it here; needs CMake, git and a C++17 compiler)`,
    ].join('\n'),
    { tried: attempts.map(({ place }) => place), platform: platformName(machine) },
  );
}

/** For a CPU that no build of the package runs on, installing it again is no help. */
function installLines(machine: Machine, attempts: readonly Attempt[]): string[] {
  const [wanted] = packagesFor('cpu', machine);
  if (!isInstalled(machine) || !wanted) return [];
  if (attempts.some(({ place, fault }) => place === wanted && fault === 'cpu')) return [];
  return [
    `  npm install ${wanted}@${machine.version}    (compiled already; a lockfile or --omit=optional`,
    '      of another machine may have left it out)',
  ];
}

export function noBackend(
  backend: GpuBackend,
  machine: Machine,
  attempts: readonly Attempt[],
): LlavaError {
  const failure = {
    backend,
    machine,
    attempts,
    missing: whatIsMissing(backend, machine, attempts),
  };
  const tried = attempts.map(({ place }) => place);
  return new LlavaError(
    'ERR_BACKEND_UNAVAILABLE',
    [
      `backend '${backend}' cannot be had: ${explain(failure)}`,
      ...(attempts.length > 0 ? ['Tried:', ...listed(attempts), ...hints(attempts, machine)] : []),
      ...advice(failure),
    ].join('\n'),
    { backend, missing: failure.missing, tried, platform: platformName(machine) },
  );
}

/** 'package' is any addon with the backend, 'library' what such an addon needs to load besides the driver. */
type Missing = 'package' | 'driver' | 'device' | 'library';

interface Failure {
  backend: GpuBackend;
  machine: Machine;
  attempts: readonly Attempt[];
  missing: Missing;
}

/** What the place that came furthest lacks. */
function whatIsMissing(
  backend: GpuBackend,
  machine: Machine,
  attempts: readonly Attempt[],
): Missing {
  const came = (far: Fault) => attempts.some(({ fault }) => fault === far);
  if (!came('device') && !came('driver') && !came('load')) return 'package';
  const driver = driverLibrary(backend, machine);
  if (driver && !driver.isThere) return 'driver';
  if (came('device')) return 'device';
  return came('driver') ? 'driver' : 'library';
}

function explain({ backend, machine, attempts, missing }: Failure): string {
  const driver = driverLibrary(backend, machine);
  if (missing === 'driver')
    return driver?.isThere
      ? "the driver is too old for its addon, or does not fit the system's kernel module."
      : `the driver is missing (${driver?.name} is not on this system).`;
  if (missing === 'device')
    return driver
      ? `${driver.name} is here, but no device that it can use is.`
      : 'there is no device that it can use.';
  if (missing === 'library') return 'its addon is here, but does not load.';
  if (isNamed(machine)) return 'LLAVAOV_BINDING names no addon that has it.';
  if (attempts.some(({ fault }) => fault === 'broken' || fault === 'cpu'))
    return 'its package is here, but cannot be used.';
  return packagesFor(backend, machine).length > 0
    ? 'its package is missing.'
    : `there is no package with it for ${platformName(machine)}.`;
}

const isNamed = ({ env }: Machine) => Boolean(env.LLAVAOV_BINDING);

const WITHOUT = "backend: 'auto' takes the CPU where there is no GPU.";
const CUBLAS =
  "cuBLAS of the package's CUDA version in the library path (it comes with NVIDIA's CUDA toolkit)";
const DRIVERS = {
  cuda: "NVIDIA's driver: 580 or later for CUDA 13, 525 or later for CUDA 12; nvidia-smi shows it.",
  vulkan:
    "the GPU's Vulkan driver (on Linux also the loader: apt install libvulkan1); vulkaninfo shows it.",
  metal: 'macOS 13.3 or later on a Mac with a Metal GPU.',
};

function advice({ backend, machine, attempts, missing }: Failure): string[] {
  // Windows does not say which library it misses.
  const lacksCublas =
    backend === 'cuda' &&
    attempts.some(({ problem }) => /cublas|module could not be found/i.test(problem));
  if (missing === 'driver' || missing === 'device')
    return [
      `What it takes: ${DRIVERS[backend]}`,
      ...(lacksCublas ? [`Also ${CUBLAS}.`] : []),
      WITHOUT,
    ];
  const build = `  ${buildCommand(machine, `--${backend}`)}    (compiles it here)`;
  if (isNamed(machine)) return ['What helps: another addon in LLAVAOV_BINDING, or none.', WITHOUT];
  if (missing === 'library')
    return ['What helps:', ...(lacksCublas ? [`  ${CUBLAS}`] : []), build, WITHOUT];
  if (backend === 'metal' && machine.platform !== 'darwin') return [WITHOUT];
  const useless = attempts.filter(({ fault }) => fault === 'cpu').map(({ place }) => place);
  const install = packagesFor(backend, machine)
    .filter((name) => !useless.includes(name))
    .map((name) => `  npm install ${name}@${machine.version}${cudaOf(name)}`);
  return ['What helps:', ...install, build, WITHOUT];
}

function cudaOf(name: string): string {
  if (name.endsWith('-cuda')) return '    (CUDA 13)';
  return name.endsWith('-cuda12') ? '    (CUDA 12)' : '';
}

function listed(attempts: readonly Attempt[]): string[] {
  return attempts.map(({ place, problem }) => `  ${place}: ${problem}`);
}

/** What the loader's texts mean, and why nothing else was tried. */
function hints(attempts: readonly Attempt[], machine: Machine): string[] {
  const text = attempts.map(({ problem }) => problem).join('\n');
  const lines: string[] = [];
  const [, glibc] = /version `GLIBC_([\d.]+)' not found/.exec(text) ?? [];
  if (glibc) lines.push(`This system's glibc is older than ${glibc}.`);
  if (/loading addons is disabled/.test(text))
    lines.push("Node's permission model is on: add --allow-addons.");
  if (/ld-linux|ld-musl|invalid ELF header|wrong architecture|not a valid Win32/.test(text))
    lines.push('That file belongs to another platform or C library.');
  if (isNamed(machine)) lines.push('LLAVAOV_BINDING is set, so nothing else is tried.');
  return lines;
}

/** In a checkout of the repository the script itself; in an app the command, which runs it in the package's folder. */
function buildCommand(machine: Machine, flags = ''): string {
  if (isInstalled(machine)) return `npx llava-onevision build${flags && ` ${flags}`}`;
  return `npm run build:native${flags && ` -- ${flags}`}`;
}

function isInstalled({ root }: Machine): boolean {
  return root.split(path.sep).includes('node_modules');
}
