/** What to tell when no addon can be had: what was tried, why it failed, and the command that helps. */
import path from 'node:path';
import { LlavaError } from './errors.js';
import type { Attempt, Machine } from './native-binding.js';
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
  const [wanted] = packagesFor('cpu', machine);
  const help =
    isInstalled(machine) && wanted
      ? [
          `npm install ${wanted}@${machine.version}    (compiled already; a lockfile or --omit=optional`,
          '    of another machine may have left it out)',
        ]
      : [];
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
      ...help.map((line) => `  ${line}`),
      `  ${buildCommand(machine)}    (compiles it here; needs CMake, git and a C++17 compiler)`,
    ].join('\n'),
    { tried: attempts.map(({ place }) => place), platform: platformName(machine) },
  );
}

export function noBackend(
  backend: GpuBackend,
  machine: Machine,
  attempts: readonly Attempt[],
): LlavaError {
  const missing = whatIsMissing(backend, machine, attempts);
  const tried = attempts.map(({ place }) => place);
  return new LlavaError(
    'ERR_BACKEND_UNAVAILABLE',
    [
      `backend '${backend}' cannot be had: ${explain(backend, machine, missing)}`,
      ...(attempts.length > 0 ? ['Tried:', ...listed(attempts), ...hints(attempts, machine)] : []),
      ...advice(backend, machine, missing),
    ].join('\n'),
    { backend, missing, tried, platform: platformName(machine) },
  );
}

/** 'library' is one that the addon needs besides the driver, or a newer C library. */
type Missing = 'package' | 'driver' | 'device' | 'library';

function whatIsMissing(
  backend: GpuBackend,
  machine: Machine,
  attempts: readonly Attempt[],
): Missing {
  const came = (far: Attempt['missing']) => attempts.some(({ missing }) => missing === far);
  if (!came('device') && !came('load')) return 'package';
  const driver = driverLibrary(backend, machine);
  if (driver && !driver.isThere) return 'driver';
  return came('device') ? 'device' : 'library';
}

function explain(backend: GpuBackend, machine: Machine, missing: Missing): string {
  if (missing === 'package')
    return packagesFor(backend, machine).length > 0
      ? 'its package is missing.'
      : `there is no package with it for ${platformName(machine)}.`;
  if (missing === 'driver')
    return `the driver is missing (${driverLibrary(backend, machine)?.name} is not on this system).`;
  if (missing === 'device') return 'the driver is here, but no device that it can use is.';
  return 'a library that its addon needs is missing or too old.';
}

function advice(backend: GpuBackend, machine: Machine, missing: Missing): string[] {
  const names = packagesFor(backend, machine);
  const build = buildCommand(machine, `--${backend}`);
  const without = "backend: 'auto' takes the CPU where there is no GPU.";
  if (missing === 'package') {
    const install = names.map((name) => `  npm install ${name}@${machine.version}${cudaOf(name)}`);
    const compiles = backend !== 'metal' || machine.platform === 'darwin';
    if (!compiles) return [without];
    return ['What helps:', ...install, `  ${build}    (compiles it here)`, without];
  }
  const drivers = {
    cuda: "NVIDIA's driver: 580 or later for CUDA 13, 525 or later for CUDA 12; nvidia-smi shows it.",
    vulkan:
      "the GPU's Vulkan driver (on Linux also the loader: apt install libvulkan1); vulkaninfo shows it.",
    metal: 'macOS 13.3 or later on a Mac with a Metal GPU.',
  };
  if (missing === 'library' && backend === 'cuda')
    return [
      "What helps: cuBLAS of the package's CUDA version in the library path (it comes with NVIDIA's CUDA toolkit),",
      `or ${build}`,
      without,
    ];
  if (missing === 'library') return [`What helps: ${build}    (compiles it here)`, without];
  return [`What it takes: ${drivers[backend]}`, without];
}

function cudaOf(name: string): string {
  if (name.endsWith('-cuda')) return '    (CUDA 13)';
  return name.endsWith('-cuda12') ? '    (CUDA 12)' : '';
}

function listed(attempts: readonly Attempt[]): string[] {
  return attempts.map(({ place, problem }) => `  ${place}: ${problem}`);
}

/** What the loader's texts mean, and why nothing else was tried. */
function hints(attempts: readonly Attempt[], { env }: Machine): string[] {
  const text = attempts.map(({ problem }) => problem).join('\n');
  const lines: string[] = [];
  const [, glibc] = /version `GLIBC_([\d.]+)' not found/.exec(text) ?? [];
  if (glibc) lines.push(`This system's glibc is older than ${glibc}.`);
  if (/loading addons is disabled/.test(text))
    lines.push("Node's permission model is on: add --allow-addons.");
  if (/ld-linux|ld-musl|invalid ELF header|wrong architecture|not a valid Win32/.test(text))
    lines.push('That file belongs to another platform or C library.');
  if (env.LLAVAOV_BINDING) lines.push('LLAVAOV_BINDING is set, so nothing else is tried.');
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
