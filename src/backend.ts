/**
 * Chooses what computes: a wish ('auto' or a backend) becomes a loaded addon and an account of why this one. A GPU is taken
 * when its addon loads and finds a device; 'auto' then falls back to the CPU and says why, a named backend throws.
 */
import type { NativeBinding, NativeDevice } from './binding.js';
import { noAddon, noBackend } from './binding-errors.js';
import {
  type Addon,
  type Attempt,
  buildOptions,
  isAddon,
  localAddon,
  type Machine,
  namedAddon,
  type Outcome,
  packagedAddon,
} from './native-binding.js';
import { type Backend, GPU_BACKENDS, type GpuBackend, packagesFor } from './platform-packages.js';

export const BACKEND_CHOICES = ['auto', 'cpu', 'cuda', 'vulkan', 'metal'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

/** What computes, and why. */
export interface BackendInfo {
  name: Backend;
  /** Null for an addon that was compiled here or named by LLAVAOV_BINDING. */
  package: string | null;
  /** The addon. */
  file: string;
  /** Which of the package's builds, by the CPU; null for any other. */
  variant: string | null;
  /** One sentence. */
  reason: string;
}

export interface ChosenBackend {
  binding: NativeBinding;
  info: BackendInfo;
}

/** ggml's names of the backends. */
const GGML_NAMES: Record<GpuBackend, string> = { cuda: 'CUDA', vulkan: 'Vulkan', metal: 'MTL' };

/** The devices that a backend computes on; none for 'cpu'. */
export function devicesOf(
  choice: BackendChoice,
  devices: readonly NativeDevice[],
): readonly NativeDevice[] {
  if (choice === 'auto') return devices;
  if (choice === 'cpu') return [];
  return devices.filter(({ backend }) => backend === GGML_NAMES[choice]);
}

/** @throws ERR_BINDING_NOT_FOUND, ERR_BACKEND_UNAVAILABLE */
export function chooseBackend(choice: BackendChoice, machine: Machine): ChosenBackend {
  if (choice === 'auto') return chooseByItself(machine);
  if (choice === 'cpu') return chooseCpu(machine);
  const outcomes = tryGpu(choice, machine);
  const addon = outcomes.find(isAddon);
  if (addon) return chosen(addon, choice, `backend '${choice}' was asked for`);
  throw noBackend(choice, machine, outcomes as Attempt[]);
}

/** Every place that may have the backend, up to the first that has it and finds a device for it. */
export function tryGpu(backend: GpuBackend, machine: Machine): Outcome[] {
  const named = namedAddon(machine);
  if (named) return [withDevice(named, backend)];
  const outcomes: Outcome[] = [];
  const places = [
    () => localAddon(machine),
    ...packagesFor(backend, machine).map((name) => () => packagedAddon(machine, name)),
  ];
  for (const place of places) {
    const outcome = place();
    if (!outcome) continue;
    const checked = withDevice(outcome, backend);
    outcomes.push(checked);
    if (isAddon(checked)) break;
  }
  return outcomes;
}

function chooseByItself(machine: Machine): ChosenBackend {
  const own = ownAddon(machine);
  if (own) {
    const found = gpuOf(own.addon);
    if (found) return chosen(own.addon, found, own.why);
    return chosen(
      own.addon,
      'cpu',
      `${own.why}; ${hasGpuBackend(own.addon) ? 'it finds no GPU' : 'without a GPU backend'}`,
    );
  }
  const failed: Attempt[] = [];
  for (const backend of GPU_BACKENDS) {
    const outcomes = tryGpu(backend, machine);
    const addon = outcomes.find(isAddon);
    if (addon) return chosen(addon, backend, `${addon.package} is installed and finds a device`);
    failed.push(...(outcomes as Attempt[]));
  }
  const { binding, info } = chooseCpu(machine);
  // Of GPU packages that are not installed nobody wants to hear; on macOS the plain one is that of the CPU.
  const told = failed.filter(({ place, missing }) => missing !== 'package' && place !== info.file);
  const reasons = [info.reason, ...told.map(({ place, problem }) => `${place}: ${problem}`)];
  return { binding, info: { ...info, reason: reasons.join('; ') } };
}

/** An addon that somebody named or compiled comes before any package. */
function ownAddon(machine: Machine): { addon: Addon; why: string } | undefined {
  const named = namedAddon(machine);
  if (named) {
    if (!isAddon(named)) throw noAddon(machine, [named]);
    return { addon: named, why: 'LLAVAOV_BINDING names it' };
  }
  const local = localAddon(machine);
  if (local && isAddon(local)) return { addon: local, why: 'it was compiled here' };
  return undefined;
}

/** GPU packages come last: they compute on CPUs too. */
function chooseCpu(machine: Machine): ChosenBackend {
  const own = ownAddon(machine);
  if (own) return chosen(own.addon, 'cpu', own.why);
  const local = localAddon(machine);
  const failed: Attempt[] = local && !isAddon(local) ? [local] : [];
  for (const backend of ['cpu', 'cuda', 'vulkan'] as const) {
    for (const name of packagesFor(backend, machine)) {
      const outcome = packagedAddon(machine, name);
      if (isAddon(outcome)) {
        const before = failed.map(({ place, problem }) => `; ${place}: ${problem}`).join('');
        return chosen(outcome, 'cpu', `${name} is installed${before}`);
      }
      failed.push(outcome);
    }
  }
  throw noAddon(machine, failed);
}

function hasGpuBackend(addon: Addon): boolean {
  const { backends } = addon.binding.buildInfo();
  return GPU_BACKENDS.some((one) => backends.includes(GGML_NAMES[one]) || isMadeWith(addon, one));
}

function gpuOf({ binding }: Addon): GpuBackend | undefined {
  const devices = binding.devices();
  return GPU_BACKENDS.find((backend) => devicesOf(backend, devices).length > 0);
}

function withDevice(outcome: Outcome, backend: GpuBackend): Outcome {
  if (!isAddon(outcome)) return outcome;
  const place = outcome.package ?? outcome.file;
  const { backends, startErrors } = outcome.binding.buildInfo();
  if (devicesOf(backend, outcome.binding.devices()).length > 0) return outcome;
  // Without a driver ggml's Vulkan does not even name itself.
  if (!backends.includes(GGML_NAMES[backend]) && !isMadeWith(outcome, backend)) {
    const isKnown = outcome.package !== null || buildOptions(outcome.file) !== null;
    const problem = `it was compiled without ${backend}${isKnown ? '' : ', or finds no driver'}`;
    return { place, problem, missing: 'backend' };
  }
  const said = startErrors ? `: ${startErrors}` : '';
  return { place, problem: `it loads but finds no device${said}`, missing: 'device' };
}

function isMadeWith({ package: from, file }: Addon, backend: GpuBackend): boolean {
  if (from !== null) return from.endsWith(`-${backend}`) || from.endsWith(`-${backend}12`);
  return buildOptions(file)?.includes(`--${backend}`) ?? false;
}

function chosen(addon: Addon, name: Backend, reason: string): ChosenBackend {
  const { binding, ...where } = addon;
  return { binding, info: { name, ...where, reason } };
}
