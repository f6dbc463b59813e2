/**
 * Chooses what computes: a wish ('auto' or a backend) becomes a loaded addon and an account of why this one. A GPU is taken
 * when its addon loads and finds a device; 'auto' then falls back to the CPU and says why, a named backend throws.
 */
import type { NativeBinding, NativeDevice } from '../binding.js';
import { noAddon, noBackend } from './binding-errors.js';
import {
  type Addon,
  type Attempt,
  buildOptions,
  isAddon,
  localAddon,
  localFile,
  type Machine,
  namedAddon,
  type Outcome,
  packagedAddon,
} from './find-addon.js';
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
  if (named) return [withDevice(named, backend, machine)];
  const local = localAddon(machine);
  const outcomes = local ? [withDevice(local, backend, machine)] : [];
  return outcomes.some(isAddon) ? outcomes : [...outcomes, ...tryGpuPackages(backend, machine)];
}

function tryGpuPackages(backend: GpuBackend, machine: Machine): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const name of packagesFor(backend, machine)) {
    const outcome = withDevice(packagedAddon(machine, name), backend, machine);
    outcomes.push(outcome);
    if (isAddon(outcome)) break;
  }
  return outcomes;
}

function chooseByItself(machine: Machine): ChosenBackend {
  const own = ownAddon(machine);
  if (isOwn(own)) return chooseOwn(own, machine);
  const failed: Attempt[] = own ? [own] : [];
  for (const backend of GPU_BACKENDS) {
    const outcomes = tryGpuPackages(backend, machine);
    const addon = outcomes.find(isAddon);
    const why = addon && `${addon.package} is installed and finds a device`;
    if (addon) return chosen(addon, backend, [why, ...told(failed)].join('; '));
    failed.push(...(outcomes as Attempt[]));
  }
  return chooseCpuPackage(machine, failed);
}

/** An addon that somebody named or compiled, with its GPU where it finds one. */
function chooseOwn({ addon, why }: Own, machine: Machine): ChosenBackend {
  const found = gpuOf(addon);
  if (found) return chosen(addon, found, why);
  const reasons = [
    why,
    hasGpuBackend(addon, machine) ? 'it finds no GPU' : 'without a GPU backend',
  ];
  for (const name of GPU_BACKENDS.flatMap((backend) => packagesFor(backend, machine)))
    if (machine.findPackage(name)) reasons.push(`${name} is installed, but comes after it`);
  return chosen(addon, 'cpu', reasons.join('; '));
}

interface Own {
  addon: Addon;
  why: string;
}

const isOwn = (own: Own | Attempt | undefined): own is Own => own !== undefined && 'addon' in own;

/** An addon that somebody named or compiled comes before any package; or what is wrong with the one that is compiled. */
function ownAddon(machine: Machine): Own | Attempt | undefined {
  const named = namedAddon(machine);
  if (named) {
    if (!isAddon(named)) throw noAddon(machine, [named]);
    return { addon: named, why: 'LLAVAOV_BINDING names it' };
  }
  const local = localAddon(machine);
  return local && isAddon(local) ? { addon: local, why: 'it was compiled here' } : local;
}

function chooseCpu(machine: Machine): ChosenBackend {
  const own = ownAddon(machine);
  return isOwn(own)
    ? chosen(own.addon, 'cpu', own.why)
    : chooseCpuPackage(machine, own ? [own] : []);
}

/** GPU packages come last: they compute on CPUs too. @param before what was tried already */
function chooseCpuPackage(machine: Machine, before: readonly Attempt[]): ChosenBackend {
  const failed: Attempt[] = [];
  for (const backend of ['cpu', 'cuda', 'vulkan'] as const) {
    for (const name of packagesFor(backend, machine)) {
      const outcome = packagedAddon(machine, name);
      if (isAddon(outcome)) {
        const reasons = [`${name} is installed`, ...told([...before, ...failed])];
        return chosen(outcome, 'cpu', reasons.join('; '));
      }
      failed.push(outcome);
    }
  }
  const places = failed.map(({ place }) => place);
  throw noAddon(machine, [...before.filter(({ place }) => !places.includes(place)), ...failed]);
}

/** A line each, once. Of packages that are not installed nobody wants to hear. */
function told(attempts: readonly Attempt[]): Set<string> {
  const wanted = attempts.filter(({ fault }) => fault !== 'absent');
  return new Set(wanted.map(({ place, problem }) => `${place}: ${problem}`));
}

function hasGpuBackend(addon: Addon, machine: Machine): boolean {
  const { backends } = addon.binding.buildInfo();
  return GPU_BACKENDS.some(
    (one) => backends.includes(GGML_NAMES[one]) || isMadeWith(addon, one, machine),
  );
}

function gpuOf({ binding }: Addon): GpuBackend | undefined {
  const devices = binding.devices();
  return GPU_BACKENDS.find((backend) => devicesOf(backend, devices).length > 0);
}

/** CUDA's words for a driver that is older than what the addon was compiled with, or does not fit its kernel module. */
const DRIVER_ERROR =
  /driver version is insufficient|unsupported display driver|forward compatibility/;

/** An addon that has a device for the backend, or what stands in its way. */
function withDevice(outcome: Outcome, backend: GpuBackend, machine: Machine): Outcome {
  if (!isAddon(outcome)) return withoutBackend(outcome, backend, machine);
  const place = outcome.package ?? outcome.file;
  const { backends, startErrors } = outcome.binding.buildInfo();
  if (devicesOf(backend, outcome.binding.devices()).length > 0) return outcome;
  // Without a driver ggml's Vulkan does not even name itself.
  if (!backends.includes(GGML_NAMES[backend]) && !isMadeWith(outcome, backend, machine)) {
    const isKnown = outcome.package !== null || buildOptions(outcome.file) !== null;
    const problem = `it was compiled without ${backend}${isKnown ? '' : ', or finds no driver'}`;
    return { place, problem, fault: 'backend' };
  }
  const said = startErrors ? `: ${startErrors}` : '';
  const fault = DRIVER_ERROR.test(startErrors) ? 'driver' : 'device';
  return { place, problem: `it loads but finds no device${said}`, fault };
}

/** A build made here for something else says nothing of the backend by not loading. */
function withoutBackend(attempt: Attempt, backend: GpuBackend, machine: Machine): Attempt {
  const { place } = attempt;
  const isOther =
    place === localFile(machine) && !isMadeWith({ package: null, file: place }, backend, machine);
  return isOther ? { ...attempt, fault: 'backend' } : attempt;
}

type Origin = Pick<Addon, 'package' | 'file'>;

function isMadeWith(
  { package: from, file }: Origin,
  backend: GpuBackend,
  machine: Machine,
): boolean {
  if (from !== null) return packagesFor(backend, machine).includes(from);
  const options = buildOptions(file);
  if (backend === 'metal' && machine.platform === 'darwin')
    return options !== null && !options.includes('--no-metal');
  return options?.includes(`--${backend}`) ?? false;
}

function chosen(addon: Addon, name: Backend, reason: string): ChosenBackend {
  const { binding, ...where } = addon;
  return { binding, info: { name, ...where, reason } };
}
