/** What `doctor` finds out; must not fail on a machine where nothing else works. */
import os from 'node:os';
import { type BackendInfo, tryGpu } from '../../addon/backend.js';
import { driverLibrary } from '../../addon/binding-errors.js';
import { defaultThreads } from '../../addon/cores.js';
import {
  buildOptions,
  isAddon,
  localFile,
  type Machine,
  type Outcome,
} from '../../addon/find-addon.js';
import { backendFor } from '../../addon/load-addon.js';
import { packageVersion } from '../../addon/package-root.js';
import {
  GPU_BACKENDS,
  type GpuBackend,
  glibcVersion,
  packagesFor,
} from '../../addon/platform-packages.js';
import { thisMachine } from '../../addon/this-machine.js';
import type { NativeDevice, NativeKernels } from '../../binding.js';
import { machineMemory } from '../../load/memory.js';
import { type DriverReport, driverVersion } from './driver-version.js';
import { examineFfmpeg, type FfmpegReport } from './ffmpeg-report.js';
import {
  type AskedModel,
  examineModel,
  type ModelForecast,
  type ModelReport,
} from './model-report.js';

export interface AddonReport {
  path: string;
  /** From which package, or compiled here with which options. */
  origin: string;
  /** What `backend: 'auto'` takes, and why. */
  backend: BackendInfo;
  compiler: string;
  /** False where llama.cpp was compiled without our patch: far slower where others want the cores. */
  waitingThreadsSleep: boolean;
  llama: string;
  ggml: string;
  commit: string;
  /** Compiled in. */
  backends: string[];
  devices: NativeDevice[];
  /** Instruction sets in use and compile-time choices, as llama.cpp names them. */
  cpuFeatures: string[];
  /** Our own, for products and attention on the CPU. */
  kernels: Pick<NativeKernels, 'instructionSet' | 'types'>;
  physicalCores: number;
  /** The physical cores, or fewer where a container's time limit gives less. */
  defaultThreads: number;
}

/** A GPU backend that this platform has packages for, or that was compiled here. */
export interface GpuReport {
  name: GpuBackend;
  isUsable: boolean;
  /** The addon that has it; null where none does. */
  file: string | null;
  /** What was tried for it and why that failed. */
  problems: string[];
  driver: DriverReport;
}

export interface DoctorReport {
  versions: { package: string; node: string };
  platform: string;
  cpu: { model: string; logicalCores: number };
  /** In bytes; `total` is the container's limit where there is one. */
  memory: { total: number; free: number };
  addon: AddonReport | { error: string };
  gpus: GpuReport[];
  ffmpeg: FfmpegReport | { error: string };
  /** What a load would do with the model that was named, or what that needs first. */
  model?: ModelReport | ModelForecast | { error: string };
}

export async function examine(asked?: AskedModel): Promise<DoctorReport> {
  const glibc = glibcVersion();
  return {
    versions: { package: packageVersion(), node: process.versions.node },
    platform: `${process.platform}-${process.arch} (${os.type()} ${os.release()}${glibc ? `, glibc ${glibc}` : ''})`,
    cpu: {
      model: os.cpus()[0]?.model.trim() ?? 'unknown',
      logicalCores: os.availableParallelism(),
    },
    memory: { total: machineMemory(), free: os.freemem() },
    addon: examineAddon(),
    gpus: examineGpus(thisMachine()),
    ffmpeg: await reported(examineFfmpeg()),
    ...(asked && { model: await reported(examineModel(asked)) }),
  };
}

async function reported<T>(work: Promise<T>): Promise<T | { error: string }> {
  return work.catch((error: Error) => ({ error: error.message }));
}

function examineAddon(): DoctorReport['addon'] {
  try {
    const { binding, info } = backendFor('auto');
    const build = binding.buildInfo();
    const { instructionSet, types } = binding.kernels();
    return {
      path: info.file,
      origin: describeOrigin(info),
      backend: info,
      compiler: build.compiler,
      waitingThreadsSleep: build.waitingThreadsSleep,
      llama: build.llamaVersion,
      ggml: build.ggmlVersion,
      commit: build.ggmlCommit,
      backends: build.backends,
      devices: binding.devices(),
      cpuFeatures: parseFeatures(build.systemInfo),
      kernels: { instructionSet, types },
      physicalCores: binding.physicalCores(),
      defaultThreads: defaultThreads(binding),
    };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function describeOrigin({ package: from, variant, file }: BackendInfo): string {
  const build = variant === null ? '' : `, build ${variant}`;
  if (from !== null) return `${from}${build}`;
  if (file !== localFile(thisMachine())) return `named by LLAVAOV_BINDING${build}`;
  const options = buildOptions(file);
  if (options === null) return 'compiled here; the note of its options cannot be read';
  return `compiled here with ${options.length > 0 ? options.join(' ') : 'the default options'}`;
}

/** What cannot even be asked is told among the problems. */
export function examineGpus(machine: Machine): GpuReport[] {
  return GPU_BACKENDS.filter((name) => name !== 'metal' || machine.platform === 'darwin').flatMap(
    (name) => {
      try {
        const outcomes = tryGpu(name, machine);
        const isPossible = packagesFor(name, machine).length > 0 || outcomes.some(hasBackend);
        return isPossible ? [reportGpu(name, machine, outcomes)] : [];
      } catch (error) {
        return [
          {
            name,
            isUsable: false,
            file: null,
            problems: [(error as Error).message],
            driver: { isThere: false, version: null },
          },
        ];
      }
    },
  );
}

const hasBackend = (outcome: Outcome) =>
  isAddon(outcome) || !['absent', 'backend'].includes(outcome.fault);

function reportGpu(name: GpuBackend, machine: Machine, outcomes: Outcome[]): GpuReport {
  const addon = outcomes.find(isAddon);
  return {
    name,
    isUsable: addon !== undefined,
    file: addon?.file ?? null,
    problems: outcomes.flatMap((one) => (isAddon(one) ? [] : [`${one.place}: ${one.problem}`])),
    driver: { ...driverVersion(name), isThere: driverLibrary(name, machine)?.isThere ?? true },
  };
}

/** "CPU : AVX2 = 1 | FMA = 0 | LLAMAFILE = 1 |" to the names that are on; values other than 1 are kept. */
export function parseFeatures(systemInfo: string): string[] {
  return [...systemInfo.matchAll(/(\w+) = (\w+)/g)]
    .filter(([, , value]) => value !== '0')
    .map(([, name, value]) => (value === '1' ? name! : `${name}=${value}`));
}
